"""A run in several processes: how they are started and watched, and what they are to each other."""
