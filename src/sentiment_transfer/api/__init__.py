"""The commands from Python: train, evaluate, and every finished run as a DataFrame."""
