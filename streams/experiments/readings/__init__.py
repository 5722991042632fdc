"""What an experiment says: lifts, intervals and verdicts from the sums of its arms."""
