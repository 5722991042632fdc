"""Datasets of any shape: the stream of interactions, the items and the users."""
