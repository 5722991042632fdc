"""The load of `headrace bench` as requests of other recommenders."""
