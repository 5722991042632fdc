"""Tests of streams/offline/replay."""
