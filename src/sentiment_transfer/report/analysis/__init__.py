"""What the runs show: estimates, tests and families of them. Numbers only."""
