"""Off-policy estimates: what an arm that never ran would have been worth, from what another one logged."""
