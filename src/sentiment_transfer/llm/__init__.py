"""Large language models behind an OpenAI-compatible server, asked for the sentiment of reviews."""
