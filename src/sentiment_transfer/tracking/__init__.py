"""Logging: metrics.csv and Weights & Biases."""
