"""Tests of `streams.candidates`."""
