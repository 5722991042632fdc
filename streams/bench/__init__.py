"""Benchmarks of the running system under offered load."""
