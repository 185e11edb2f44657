"""Zero-shot cross-lingual sentiment classification with XLM-R, Hydra and PyTorch Lightning."""

__version__ = "0.1.0"
