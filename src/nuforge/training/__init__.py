"""How it learns: `fit` on Lightning, one learner per training scheme, checkpoints without pickle."""
