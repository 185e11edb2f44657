"""Estimates, tests and families of tests over the runs: numbers, no sentences."""
