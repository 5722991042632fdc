"""The fusion model: features, network, training, evaluation. Serving uses only its torch-free half."""
