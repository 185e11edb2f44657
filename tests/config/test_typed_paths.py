"""Files of any name on the command line: they work as typed, or the answer works where it is pasted into a shell."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig
from tests.helpers.runs import ROOT

from sentiment_transfer.config.overrides import adapted
from sentiment_transfer.config.program_options import EvaluateConfig, ExportConfig, PredictConfig
from sentiment_transfer.config.suggestions import option_of, refuse_dashes, unknown_as_well
from sentiment_transfer.errors import UserError
from sentiment_transfer.sentences import describe

ODD = (
    *("a b.csv", " a.csv", "a=b.csv", "a,b.csv", "[a].csv", "{a}.csv", "it's.csv", 'a"b.csv', "a'b\"c.csv", "a$b.csv"),
    *(
        "größe.csv",
        "日本.csv",
        "-a.csv",
        "--a=b.csv",
        "~a.csv",
        "a:b.csv",
        "a(b).csv",
        r"a\b.csv",
        "a#b.csv",
        "a;b.csv",
    ),
    *("a&b.csv", "a!b.csv", "a%b.csv", "${a}.csv"),
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def composed(name: str, *arguments: str) -> DictConfig:
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        return compose(name, overrides=adapted(arguments))


@pytest.mark.parametrize("file", ODD)
def test_a_file_is_read_as_it_is_typed(file: str, here: Path) -> None:
    (here / file).write_text("text\ngood\n", encoding="utf-8")
    for typed in (f"input={file}", f"output={file}", f"+source.shop.path={file}"):
        override = OverridesParser.create().parse_override(adapted([typed])[-1])
        assert Path(str(override.value()).replace("\\${", "${")).samefile(file)


@pytest.mark.parametrize(
    "typed",
    ["[shop.csv, my data/r.id.tsv]", "[ my data/r.id.tsv ,shop.csv]", "[my data/r.id.tsv, {shop: {path: shop.csv}}]"],
)
def test_a_blank_around_an_element_of_a_list_is_no_part_of_its_name(typed: str, here: Path) -> None:
    (here / "my data").mkdir()
    for file in ("shop.csv", "my data/r.id.tsv"):
        (here / file).write_text("text,label\ngood,1\n", encoding="utf-8")
    targets = composed("config", "experiment=tiny", f"targets={typed}").targets
    assert sorted(target.path for target in targets.values()) == ["my data/r.id.tsv", "shop.csv"]


def test_a_file_with_an_interpolation_in_its_name_and_an_output_that_is_not_here_yet(here: Path) -> None:
    (here / "${a}.csv").write_text("")
    config = composed("predict", "input=${a}.csv", "output=größe=1,2.csv")
    assert (config.input, config.output) == ("${a}.csv", "größe=1,2.csv")


def test_a_dataset_is_a_file_of_any_name(here: Path) -> None:
    files = ["it's.csv", "größe.csv", "{q}.csv", " x.csv", "~y.csv", "-z.csv", "a=b.csv", 'c"d.csv', "e(f).csv"]
    for file in [*files, "m,n.csv"]:
        (here / file).write_text("text,label\ngood,1\n", encoding="utf-8")
    found = composed("config", "experiment=tiny", f"targets=[{','.join(files)}]").targets.values()
    assert all(Path(target.path).samefile(file) for target, file in zip(found, files, strict=True))
    for typed in ("targets=m,n.csv", "targets=[m,n.csv]"):
        [target] = composed("config", "experiment=tiny", typed).targets.values()
        assert target.path == "m,n.csv"
    targets = composed("config", "experiment=tiny", "targets=[größe.csv,written_ja,a=b.csv]").targets
    assert [target.get("path") for target in targets.values()].count(None) == 1 and len(targets) == 3
    (here / "${a}.csv").write_text("")
    with pytest.raises(UserError, match="Rename it"):
        composed("config", "experiment=tiny", "targets=${a}.csv")


@pytest.mark.parametrize("file", ["a,b.csv", "a'b\"c.csv", "größe (1)!;=.csv"])
def test_the_answer_for_a_file_that_is_not_here_works_in_a_shell(file: str) -> None:
    with pytest.raises(HydraException) as error:
        composed("predict", f"input={file}")
    typed = re.search(r"(?:Type|For one type) ('.*?')(?:, for a list|$)", describe(error.value, PredictConfig))
    assert typed is not None
    shell = subprocess.run(["bash", "-c", f"printf %s {typed[1]}"], capture_output=True, text=True, check=True)
    assert composed("predict", shell.stdout).input == file


def test_a_number_or_a_word_is_no_file_of_that_name(here: Path) -> None:
    for name in ("true", "3", "null"):
        (here / name).write_text("")
    config = composed("config", "experiment=tiny", "trainer.packed=true", "seed=3", "trainer.threads=null")
    assert (config.trainer.packed, config.seed, config.trainer.threads) == (True, 3, None)


def test_a_file_without_a_key(here: Path) -> None:
    (here / "größe.csv").write_text("")
    (here / "-a.csv").write_text("")
    with pytest.raises(HydraException) as error:
        composed("predict", "größe.csv")
    assert describe(error.value, PredictConfig).endswith("Type 'input=größe.csv'.")
    assert describe(error.value).endswith("Type 'targets=größe.csv'.")
    with pytest.raises(UserError, match=r"-a\.csv is taken for a flag\. For the file type input=-a\.csv\."):
        refuse_dashes(["-a.csv"], ["-m"], PredictConfig)
    assert option_of(str(here), ExportConfig) == option_of(str(here), EvaluateConfig) == "checkpoint"


def test_all_unknown_keys_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = ["experiment=tiny", "lr=1e-3", "epochs=3", "trainer.batchsize=8", "trainer.extra.profiler=simple", "seed=1"]
    others = list(unknown_as_well(typed, "lr"))
    assert [line.split()[0] for line in others] == ["epochs", "trainer.batchsize"]
    monkeypatch.setattr("sys.argv", ["train.py", *typed])
    with pytest.raises(HydraException) as error:
        composed("config", *typed)
    assert len(describe(error.value).splitlines()) == 3
