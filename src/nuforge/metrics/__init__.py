"""Numbers with intervals: pure functions of arrays. Weights of events: see `nuforge.metrics.weights`."""
