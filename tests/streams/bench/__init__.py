"""The benchmarks and their arithmetic."""
