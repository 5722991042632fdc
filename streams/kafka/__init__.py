"""Kafka: topics, fetches and their offsets, messages, dead letters, the producer."""
