"""A command as an experiment file: read again, it is the very run, and its groups can still be chosen."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf
from tests.helpers.runs import ROOT, composed

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.overrides import adapted
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.config.typed import plain
from sentiment_transfer.errors import UserError
from sentiment_transfer.experiments import kept
from sentiment_transfer.experiments.kept import kept_or_shown, take_name
from sentiment_transfer.experiments.written import NotWritable, written


def text_of(*overrides: str, **options: Any) -> str:
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        loader: Any = GlobalHydra.instance().config_loader()
        return written(loader, "config", adapted(overrides), "python train.py ...", **options)


def again(folder: Path, text: str, *overrides: str) -> DictConfig:
    """The configuration of ``experiment=mine overrides...`` with ``text`` as the file."""
    (folder / "experiment").mkdir(exist_ok=True)
    (folder / "experiment" / "mine.yaml").write_text(text)
    return composed(f"hydra.searchpath=[file://{folder}]", "experiment=mine", *overrides)


@pytest.mark.parametrize(
    "overrides",
    [
        ("experiment=demo", "targets=[smsa_id,indolem_id]", "targets.smsa_id.limit=100", "optimizer=sgd", "debug=fast"),
        ("targets=[smsa_id,{shop_ja: {path: 'my shop, 1.csv'}}]", "source=reviews.en.csv", "~targets.smsa_id",
         "+targets.shop.path=s.csv", "+targets.shop.language=ja", "+targets.csv.path=b.csv",
         "+targets.csv.language=id"),
        ("experiment=own_files", "~logger", "loss=weighted", "loss.class_weights={negative: 2, positive: 1}",
         "trainer.extra.benchmark=true", "model=local", "model.encoder=my/folder", "model.freeze=lower_6"),
        ("experiment=few_shot", "targets=hub", "targets.hub.repository=owner/name", "targets.hub.language=de",
         "targets.hub.test_fraction=0.1", "optimizer._target_=torch.optim.RAdam",
         "+optimizer.decoupled=true", "logger.tags=['null',a b,'1']"),
        ("model=ulmfit", "source=smsa_id", "targets=none", "+dataset@model.corpora.nusax_id=nusax_id"),
    ],
)  # fmt: skip
def test_the_file_is_the_run(tmp_path: Path, overrides: tuple[str, ...]) -> None:
    before, read = composed(*adapted(overrides)), again(tmp_path, text_of(*overrides, all_values=True))
    assert run_name(read) == run_name(before)
    assert plain(validate(read)) == plain(validate(before))
    for group in ("source", "targets"):
        types = [{name: OmegaConf.get_type(node) for name, node in each[group].items()} for each in (read, before)]
        assert types[0] == types[1]


def test_what_another_option_brings_is_not_fixed(tmp_path: Path) -> None:
    text = text_of("model=large", "seed=1")
    assert "learning_rate" not in text
    assert run_name(again(tmp_path, text, "model=xl", "seed=2")) == run_name(composed("model=xl", "seed=2"))
    assert run_name(again(tmp_path, text, "targets=smsa_id", "source=nusax_en")) == run_name(
        composed("model=large", "seed=1", "targets=smsa_id", "source=nusax_en")
    )
    assert again(tmp_path, text, "debug=fast").logger.wandb is None


def test_a_sweep_stays_one(tmp_path: Path) -> None:
    read = again(tmp_path, text_of("experiment=few_shot", "seed=0,1", "protocol.shots=4", "model=base,large"))
    assert run_name(read) == run_name(composed("experiment=few_shot", "protocol.shots=4"))
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        loader: Any = GlobalHydra.instance().config_loader()
        overrides = [f"hydra.searchpath=[file://{tmp_path}]", "experiment=mine"]
        params = loader.load_configuration("config", overrides, None).hydra.sweeper.params
    assert params == {
        "targets": "smsa_id,amazon_ja", "protocol": "few_shot,supervised", "seed": "0,1", "model": "base,large"
    }  # fmt: skip


def test_the_other_values_are_comments() -> None:
    text = text_of("model=e5_small", all_values=True)
    assert "#   encoder: intfloat/multilingual-e5-small\n" in text
    assert "encoder" not in text.partition("\n# All other values")[0]


def test_what_no_file_can_say_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer" / "own.yaml").write_text("extra: {benchmark: true}\n")
    with pytest.raises(NotWritable, match="No experiment file can say what this command does: trainer would differ"):
        text_of(f"hydra.searchpath=[file://{tmp_path}]", "trainer=own", "~trainer.extra.benchmark")


def test_save_as(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(kept, "INSTALLED", True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train.py", "experiment=tiny", "save_as=mine", "seed=3"])
    assert take_name() == "mine"
    assert sys.argv == ["train.py", "experiment=tiny", "seed=3"]
    assert not kept_or_shown(sys.argv[1:], "mine")  # and it runs
    assert (
        "Kept in conf/experiment/mine.yaml. To repeat it, type python train.py experiment=mine"
        in capsys.readouterr().err
    )
    text = (tmp_path / "conf/experiment/mine.yaml").read_text()
    assert text.startswith("# @package _global_\n# python train.py experiment=tiny seed=3\n")
    assert not kept_or_shown(["seed=3", "experiment=tiny"], "mine")  # the same
    with pytest.raises(UserError, match="there is another experiment of that name"):  # the program's, which is first
        kept_or_shown(["experiment=tiny"], "demo")
    with pytest.raises(UserError, match=r"trainer\.max_epochs=0 is invalid"):
        kept_or_shown(["experiment=tiny", "trainer.max_epochs=0"], "wrong")
    assert not kept_or_shown(["-m", "experiment=tiny", "seed=0,1"], "many")
    assert "seed: 0,1" in (tmp_path / "conf/experiment/many.yaml").read_text()
    assert [path.name for path in sorted((tmp_path / "conf/experiment").iterdir())] == ["many.yaml", "mine.yaml"]
    assert not GlobalHydra.instance().is_initialized()


@pytest.mark.parametrize(
    ("name", "example"),
    [("mine.yaml", "mine"), ("../mine", "mine"), ("", "mine"), ("null", "mine"), ("7", "mine"), ("a b", "mine"),
     ("conf/experiment/cross.yaml", "cross"), ("größe", "mine"), ("a,b", "mine")],
)  # fmt: skip
def test_a_name_that_is_none(monkeypatch: pytest.MonkeyPatch, name: str, example: str) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py", f"save_as={name}"])
    with pytest.raises(UserError, match=f"Type save_as={example}\\.$"):
        take_name()


def test_cfg_job_shows_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert kept_or_shown(["experiment=tiny", "seed=3", "--cfg", "job"], None)
    assert capsys.readouterr().out.startswith("# @package _global_\n# python train.py experiment=tiny seed=3\n")
    for other in (["--resolve"], ["--package", "data"]):
        assert not kept_or_shown(["experiment=tiny", "--cfg", "job", *other], None)
    for other in ("hydra", "all"):
        assert not kept_or_shown(["experiment=tiny", "--cfg", other], None)
    assert not kept_or_shown(["seed=1,2", "--cfg", "job"], None)  # Hydra answers
    assert not kept_or_shown(["--help"], "mine")
