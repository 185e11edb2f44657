"""Label a file of texts with a trained model.

    python predict.py checkpoint=outputs/<run> input=reviews.csv output=labels.csv
    python predict.py checkpoint=outputs/<run> input=reviews.jsonl.gz output=labels.jsonl.gz text=body
    python predict.py checkpoint=owner/name input=a.parquet output=b.parquet 'labels={LABEL_0: negative, ...}'
    cat lines.txt | python predict.py checkpoint=outputs/<run> input=- output=-
    python predict.py --help                              every option

Label and probability columns are added, all else is kept. The same command again continues what was interrupted.
"""

import hydra
from omegaconf import DictConfig

from sentiment_transfer import cli


@hydra.main(version_base="1.3", config_path="conf", config_name="predict")
def main(cfg: DictConfig) -> None:
    cli.predict(cfg)


if __name__ == "__main__":
    with cli.errors_as_sentences():
        main()
