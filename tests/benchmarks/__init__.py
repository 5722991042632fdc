"""Tests of the benchmarks that are no part of `headrace`."""
