"""The Faust worker: a thin shell that moves batches between Kafka, the core and the store."""
