"""What operators do: models, the learner, dead letters."""
