"""Physics on top of clusters."""
