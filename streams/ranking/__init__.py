"""From a user's state to a slate: the pipeline and its stages."""
