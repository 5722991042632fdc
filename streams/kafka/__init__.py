"""Kafka: topics, what is fetched and from where on, messages, dead letters, the producer."""
