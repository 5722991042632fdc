"""The benchmarks of `headrace bench`, one file each."""
