"""Experts that learn from lessons how much each signal of a candidate counts, and the mixture of them."""
