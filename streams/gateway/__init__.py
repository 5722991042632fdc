"""The HTTP gateway: events in, feeds out."""
