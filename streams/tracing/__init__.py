"""Traces: what becomes of one event on its way through the processes, by its id. Off by default."""
