"""Candidate sources: one file each, listed once in `streams/ranking/pipeline.py`."""
