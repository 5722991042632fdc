"""What a serving process holds: a replica of catalog and counters, the graph, the models."""
