"""Candidate sources: one file each, listed once in `streams/pipeline.py`."""
