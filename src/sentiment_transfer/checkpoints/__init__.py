"""Trained classifiers opened for use: a run's directory, an exported folder, or a classifier on the hub."""
