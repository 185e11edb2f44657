"""The configuration: its typed schema, its checks, and the names of runs."""
