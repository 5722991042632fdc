"""Tests of `streams.counters`."""
