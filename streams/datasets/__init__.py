"""Datasets of any shape: the stream of interactions, and what is known of items and users."""
