"""A local stack without Docker: real Apache Kafka and a real Valkey as child processes."""
