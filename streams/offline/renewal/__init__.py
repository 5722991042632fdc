"""Renewal: a model in service goes on learning from the examples that the running system has logged."""
