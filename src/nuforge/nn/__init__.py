"""Bricks that models are made of."""
