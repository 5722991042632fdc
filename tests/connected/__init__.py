"""Tests that need a real Kafka and a real Valkey, which the fixtures in `tests/conftest.py` start."""
