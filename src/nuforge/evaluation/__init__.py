"""How well and how sure: a model beside its baselines, and the report."""
