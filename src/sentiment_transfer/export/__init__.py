"""A run's model handed on: a folder that transformers reads, ONNX versions that were checked, a card, the hub."""
