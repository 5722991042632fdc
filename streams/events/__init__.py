"""The events on the wire: what they are, and how they are read."""
