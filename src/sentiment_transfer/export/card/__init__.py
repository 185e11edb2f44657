"""The model card: what a run's record says of the model it trained, for whoever is handed the model."""
