"""Benchmarks of the running system: offered load, and what becomes of it."""
