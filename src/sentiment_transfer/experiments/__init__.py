"""Configurations that are kept: an experiment file of any command, and the repetition of a run."""
