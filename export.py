"""Write a run's model out as a folder that transformers reads, with a model card.

    python export.py checkpoint=outputs/<run> output=my-model                       weights, tokenizer, README.md
    python export.py checkpoint=outputs/<run> output=my-model onnx=true int8=true   also for ONNX Runtime, compared
    python export.py checkpoint=outputs/<run> output=my-model selection=last        another of the run's selections
    python export.py checkpoint=outputs/<run> output=my-model push=user/my-model    also on the Hugging Face hub
    python export.py --help                                                         every option

The folder is written whole or not at all; overwrite=true replaces an earlier export.
"""

import hydra
from omegaconf import DictConfig

from sentiment_transfer import cli


@hydra.main(version_base="1.3", config_path="conf", config_name="export")
def main(cfg: DictConfig) -> None:
    cli.export(cfg)


if __name__ == "__main__":
    with cli.errors_as_sentences():
        main()
