"""The fusion model: features, network, training, evaluation. Serving uses its torch-free half only."""
