"""The gateway, without a network: the app is called in process, Kafka is replaced by a sink that records."""
