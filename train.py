"""Train on one language, score on others.

    python train.py experiment=demo                       multilingual E5 small on the written reviews, no GPU needed
    python train.py                                       the paper's protocol: XLM-R base, AmazonEN, four targets
    python train.py source=amazon_ja model=large seed=1   another cell
    python train.py targets=[smsa_id,indolem_id]          fewer targets
    python train.py -m model=base,large seed=0,1,2        a sweep
    python train.py --verbose                             also lists published numbers that are not comparable
    python train.py --help                                every group and option; --cfg job shows what would run

The same command again continues what was interrupted and skips what is finished.
"""

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from sentiment_transfer import cli


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg: DictConfig) -> float | None:
    return cli.train(cfg, HydraConfig.get().runtime.output_dir)


if __name__ == "__main__":
    with cli.errors_as_sentences():
        cli.take_verbose()
        main()
