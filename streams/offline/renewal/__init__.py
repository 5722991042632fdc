"""Renewal: trains a model in service on the examples that the running system has logged."""
