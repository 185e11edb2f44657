"""Runs: training, averaging and evaluation, from a configuration to a record."""
