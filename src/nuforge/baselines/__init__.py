"""What the field did before: classical methods that predict what a network does, one a file."""
