"""Tests of `streams.ranking.candidates`."""
