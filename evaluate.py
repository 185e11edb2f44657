"""Score a trained model on targets, under the same contract as a run, so that it stands beside runs in the report.

    python evaluate.py checkpoint=outputs/<run> targets=smsa_id                 other targets than it was scored on
    python evaluate.py checkpoint=exported/folder targets=[smsa_id,indolem_id]
    python evaluate.py checkpoint=owner/name 'labels={LABEL_0: negative, LABEL_1: null, LABEL_2: positive}'
    python evaluate.py --help                                                   every option
    python report.py outputs                                                    and all of them side by side

What has been evaluated before is shown, not repeated. --verbose also lists published numbers that are not comparable.
"""

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from sentiment_transfer import cli


@hydra.main(version_base="1.3", config_path="conf", config_name="evaluate")
def main(cfg: DictConfig) -> None:
    cli.evaluate(cfg, HydraConfig.get().runtime.output_dir)


if __name__ == "__main__":
    with cli.errors_as_sentences():
        cli.take_verbose()
        main()
