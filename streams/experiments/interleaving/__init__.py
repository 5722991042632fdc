"""Interleaving: one slate from two orders, so that each user compares them."""
