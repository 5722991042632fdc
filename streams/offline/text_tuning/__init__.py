"""Tunes a text encoder on a stream, and judges it on later events."""
