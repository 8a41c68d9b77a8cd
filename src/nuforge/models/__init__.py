"""What learns: one architecture a file, from readout to features of tables."""
