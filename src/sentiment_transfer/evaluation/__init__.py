"""A trained model scored on targets, under the same contract as a run."""
