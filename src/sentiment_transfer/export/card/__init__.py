"""The model card: a run's record of the model that it trained, for the model's users."""
