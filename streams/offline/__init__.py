"""What happens away from service: examples, training, renewal, replay, reports, text tuning."""
