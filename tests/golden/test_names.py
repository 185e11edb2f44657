"""The names of runs and evaluations: a configuration that was run before is found again under its name.

The expected names are changed (GOLDEN_RENEW=1) on purpose only, in a commit of their own that says why.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from hydra import compose, initialize_config_dir
from tests.golden.pinned import pinned_json

import sentiment_transfer.cli  # noqa: F401 -- registers the schemas and the resolvers

CONF = Path(__file__).parents[2] / "conf"
CSV = ("source.csv.path=own.csv", "source.csv.language=en")
RUNS = {
    "paper": (),
    "large": ("model=large", "seed=1"),
    "Japanese source": ("source=amazon_ja",),
    "both sources": ("source=amazon_enja",),
    "demo of 6 layers": ("experiment=demo", "model.layers=6"),
    "tiny": ("experiment=tiny",),
    "real": ("experiment=real",),
    "scaling": ("experiment=scaling", "model=xl", "seed=4"),
    "supervised": ("protocol=supervised", "targets=smsa_id"),
    "supervised as a source": ("source=smsa_id", "targets=none"),
    "few labels": ("protocol=supervised", "targets=smsa_id", "protocol.shots=64", "protocol.sample_seed=2"),
    "few-shot": ("protocol=few_shot", "targets=smsa_id"),
    "few-shot, joint": ("protocol=few_shot", "targets=smsa_id", "protocol.mode=joint"),
    "few-shot experiment": ("experiment=few_shot", "protocol.shots=256", "seed=2"),
    "joint": ("protocol=joint", "targets=smsa_id"),
    "own file": (
        *("source=csv", *CSV, "source.csv.text=body", "source.csv.label=stars", "source.csv.delimiter='|'"),
        *("source.csv.labels={1: negative, 2: negative, 3: null, good: positive}", "source.csv.dev_fraction=0.2"),
        *("source.csv.test_path=held_out.csv", "source.csv.domain=hotels", "targets=[smsa_id,written_ja]"),
    ),
    "second own file": (
        *("source=csv", *CSV, "targets=smsa_id", "+dataset@targets.own_ja=csv"),
        *("targets.own_ja.path=[a.csv,b.csv]", "targets.own_ja.language=ja", "targets.own_ja.classes=3"),
    ),
    "fold": ("source=indolem_id", "source.indolem_id.fold=3", "targets=none"),
    "three classes": ("source=smsa_id", "source.smsa_id.classes=3", "targets=none"),
    "limits": ("source.amazon_en.limit=1000", "targets.rakuten_ja.limit=500", "source.amazon_en.text_rule=body"),
    "ulmfit": ("model=ulmfit", "source=smsa_id", "targets=none"),
    "ulmfit with corpora": ("experiment=baselines_ulmfit_smsa",),
    "LoRA": ("model=large", "model.lora_rank=8"),
    "local": ("model=local", "model.encoder=models/xlmr"),
    "trainer": (
        "trainer.precision=32-true",
        "trainer.micro_batch_size=8",
        "trainer.oracle=true",
        "trainer.average=false",
    ),
    "optimizer": ("optimizer.learning_rate=3e-5", "optimizer.warmup_ratio=0.06"),
    "data": ("data.max_length=256", "data.dedup=true", "data.seed=5"),
    "what is no part of it": ("trainer.devices=2", "data.num_workers=4", "logger=none", "paths.data_dir=/elsewhere"),
}
EVALUATIONS = {
    "of the paper's targets": ("checkpoint=owner/name",),
    "of one": ("checkpoint=owner/name", "targets=smsa_id"),
    "of Indonesian": ("checkpoint=outputs/base-amazon_en-s0-00000000", "targets=indonesian"),
    "of a fold": ("checkpoint=owner/name", "targets=indolem_id", "targets.indolem_id.fold=3"),
    "with label words": ("checkpoint=owner/name", "targets=smsa_id", "labels={LABEL_0: negative, LABEL_1: positive}"),
    "of nothing": ("targets=smsa_id",),
    "what is no part of it": ("checkpoint=owner/name", "targets=smsa_id", "batch_tokens=512", "accelerator=cpu"),
}


@cache
def named(config_name: str, overrides: tuple[str, ...]) -> str:
    """The directory that Hydra would make for this configuration, below ``paths.output_dir``."""
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        config = compose(config_name, overrides=list(overrides), return_hydra_config=True)
    directory, below = str(config.hydra.run.dir), str(config.hydra.sweep.subdir)
    assert directory == f"{config.paths.output_dir}/{below}"
    return below


def test_runs_have_the_names_they_had() -> None:
    found = {what: named("config", overrides) for what, overrides in RUNS.items()}
    assert found == pinned_json("run_names", found)


def test_evaluations_have_the_names_they_had() -> None:
    found = {what: named("evaluate", overrides) for what, overrides in EVALUATIONS.items()}
    assert found == pinned_json("evaluation_names", found)


def test_one_run_said_in_two_ways_has_one_name() -> None:
    assert named("config", RUNS["supervised"]) == named("config", RUNS["supervised as a source"])
    assert named("config", RUNS["what is no part of it"]) == named("config", RUNS["paper"])
    assert named("evaluate", EVALUATIONS["what is no part of it"]) == named("evaluate", EVALUATIONS["of one"])
    assert len({named("config", said) for said in RUNS.values()}) == len(RUNS) - 2
