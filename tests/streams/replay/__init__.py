"""Tests of streams/replay."""
