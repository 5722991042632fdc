"""Experiments: arms that are declared, assigned, measured and read."""
