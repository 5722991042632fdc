"""Adaptive allocation: more users for the arms that do better, with intervals that stay valid."""
