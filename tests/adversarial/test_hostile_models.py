"""Folders that hold no model but harm: each is opened without it or refused with a sentence, within seconds.

Every case changes a whole classifier's folder. All are opened, and asked for a prediction, in one fresh process;
whatever code there is in them would write a file called ``ran``.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import struct
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.helpers.encoders import pretrained_folder
from tests.helpers.learnt import learnt_tokenizer

from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.errors import UserError

ROOT = Path(__file__).parents[2]
WEIGHTS, CONFIG, RULES, TOKENIZER = "model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"


class Code:
    """Unpickling it writes a file."""

    def __init__(self, ran: Path) -> None:
        self.ran = ran

    def __reduce__(self) -> Any:
        return Path.touch, (self.ran,)


def write_code(folder: Path, ran: Path) -> None:
    for name in ("modeling_evil", "tokenization_evil", "configuration_evil"):
        text = f"open({str(ran)!r}, 'w').close()\nclass Evil:\n    pass\n"
        (folder / f"{name}.py").write_text(text)


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def with_rule(folder: Path, pattern: str) -> None:
    rule = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    edit(folder / RULES, pre_tokenizer=rule)


def header(folder: Path, length: int, text: bytes = b"{}") -> None:
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", length) + text)


def tensor_at(folder: Path, begin: int, end: int, shape: list[int]) -> None:
    text = json.dumps({"a": {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}}).encode()
    header(folder, len(text), text)


def pickled_only(folder: Path, ran: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Code(ran)))


def zipped(folder: Path, ran: Path) -> None:
    torch.save({"a": Code(ran)}, folder / WEIGHTS)


def pickled_beside(folder: Path, ran: Path) -> None:
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "adapter_model.bin"):
        (folder / name).write_bytes(pickle.dumps(Code(ran)))


def own_code(folder: Path, ran: Path) -> None:
    write_code(folder, ran)
    classes = {"AutoConfig": "configuration_evil.Evil", "AutoModelForSequenceClassification": "modeling_evil.Evil"}
    edit(folder / CONFIG, model_type="evil", auto_map=classes)


def code_beside_a_known_type(folder: Path, ran: Path) -> None:
    own_code(folder, ran)
    edit(folder / CONFIG, model_type="xlm-roberta")


def tokenizer_code(folder: Path, ran: Path) -> None:
    write_code(folder, ran)
    classes = ["tokenization_evil.Evil", "tokenization_evil.Evil"]
    edit(folder / TOKENIZER, tokenizer_class="Evil", auto_map={"AutoTokenizer": classes})


def template_code(folder: Path, ran: Path) -> None:
    template = "{{ cycler.__init__.__globals__.os.system('touch " + str(ran) + "') }}"
    (folder / "chat_template.jinja").write_text(template)
    edit(folder / TOKENIZER, chat_template=template)


def index_outside(folder: Path, ran: Path) -> None:
    (folder / WEIGHTS).rename(folder.parent / f"{folder.name}.safetensors")
    names = dict.fromkeys(["classifier.dense.weight"], f"../{folder.name}.safetensors")
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": names}))


def replaced(name: str, by: Callable[[Path], object]) -> Callable[[Path, Path], None]:
    def change(folder: Path, ran: Path) -> None:
        (folder / name).unlink()
        by(folder / name)

    return change


def ids_far_away(folder: Path, ran: Path) -> None:
    rules = json.loads((folder / RULES).read_text())
    rules["model"]["vocab"]["novel"] = 2**31
    (folder / RULES).write_text(json.dumps(rules))


def nan(folder: Path, ran: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    tensors["classifier.dense.weight"][0, 0] = float("nan")
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def adapters(folder: Path, ran: Path) -> None:
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": "a/b"}))
    (folder / "adapter_model.bin").write_bytes(pickle.dumps(Code(ran)))


def config(**changes: Any) -> Callable[[Path, Path], None]:
    return lambda folder, ran: edit(folder / CONFIG, **changes)


DAMAGED = "cannot be read|is damaged|are damaged|no config|lacks its vocabulary|contains no model"
# What is done to the folder, and the sentence; or "opened" where it does no harm.
CASES: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "nothing": (lambda folder, ran: None, "opened"),
    "pickled weights alone": (pickled_only, "pickled .* are never loaded"),
    "pickled weights beside": (pickled_beside, "opened"),
    "a pickle called safetensors": (
        lambda folder, ran: (folder / WEIGHTS).write_bytes(pickle.dumps(Code(ran), 2)),
        "is a pickle or a zip archive",
    ),
    "a zip of pickles called safetensors": (zipped, "is a pickle or a zip archive"),
    "code for an unknown type": (own_code, "cannot be read"),
    "code beside a known type": (code_beside_a_known_type, "opened|cannot be read"),
    "code for the tokenizer": (tokenizer_code, "opened|cannot be read"),
    "code in a template": (template_code, "opened"),
    "adapters with a pickle": (adapters, "holds an adapter_config"),
    "an index that leads out": (index_outside, "of a weights file in .* is refused"),
    "weights linked to another file": (
        replaced(WEIGHTS, lambda path: path.symlink_to("/etc/passwd")),
        "are damaged|cannot be read",
    ),
    "weights linked to nothing": (replaced(WEIGHTS, lambda path: path.symlink_to("/no/file")), "cannot be opened"),
    "weights linked to an endless device": (replaced(WEIGHTS, lambda path: path.symlink_to("/dev/zero")), "no file"),
    "weights that are a pipe": (replaced(WEIGHTS, os.mkfifo), "no file, but a folder or a device"),
    "weights that are a folder": (replaced(WEIGHTS, Path.mkdir), "no file, but a folder or a device"),
    "weights of no bytes": (replaced(WEIGHTS, Path.touch), DAMAGED),
    "a header of 2**60 bytes": (lambda folder, ran: header(folder, 2**60), DAMAGED),
    "a header of 90 MB that is absent": (lambda folder, ran: header(folder, 90 * 2**20), DAMAGED),
    "a header of nested lists": (
        lambda folder, ran: header(folder, 200_000, b"[" * 100_000 + b"]" * 100_000),
        DAMAGED,
    ),
    "a tensor beyond the file": (lambda folder, ran: tensor_at(folder, 0, 2**40, [2**38]), DAMAGED),
    "a tensor that ends before it begins": (lambda folder, ran: tensor_at(folder, 8, 4, [1]), DAMAGED),
    "a tensor of 2**62 values": (lambda folder, ran: tensor_at(folder, 0, 4, [2**62, 2**62]), DAMAGED),
    "weights that are not numbers": (nan, "values that are not numbers"),
    "a configuration of no bytes": (replaced(CONFIG, Path.touch), DAMAGED),
    "a configuration that is a folder": (replaced(CONFIG, Path.mkdir), DAMAGED),
    "a configuration that is a pipe": (replaced(CONFIG, os.mkfifo), DAMAGED),
    "a configuration of 10,000 levels": (
        lambda folder, ran: (folder / CONFIG).write_text('{"a":' * 10_000 + "1" + "}" * 10_000),
        "nested more than 20 levels",
    ),
    "a configuration of lists in lists": (
        lambda folder, ran: (folder / CONFIG).write_text("[" * 10_000 + "]" * 10_000),
        "nested more than 20 levels",
    ),
    "a configuration of 10 MB": (config(a="a" * 10_000_000), "more than 4,194,304 bytes"),
    "a thousand million layers": (config(num_hidden_layers=10**9), "more than 1,000"),
    "a thousand million labels": (config(num_labels=10**9), "more than 1,000"),
    "100,000 labels": (config(id2label={str(i): f"l{i}" for i in range(100_000)}), "100,000 items"),
    "labels that a terminal obeys": (
        config(id2label={"0": "\x1b[2J\x9b", "1": "b"}),
        r"for \[U\+001B\]\[2J\[U\+009B\], b",
    ),
    "an embedding of terabytes": (config(vocab_size=10**12), "GiB of weights"),
    "a hidden size of 0": (config(hidden_size=0), "cannot be read|not a trained|lacks? "),
    "a negative number of layers": (config(num_hidden_layers=-1), "a model has a layer or more"),
    "a kernel of the hub": (config(attn_implementation="org/kernel"), "code that would be downloaded and run"),
    "an attention of a package": (config(_attn_implementation="flash_attention_2"), "would be downloaded and run"),
    "a decoder": (config(is_decoder=True), "is_decoder=true"),
    "a tokenizer of no bytes": (replaced(RULES, Path.touch), DAMAGED),
    "a tokenizer that is a folder": (replaced(RULES, Path.mkdir), DAMAGED),
    "a tokenizer that is a pipe": (replaced(RULES, os.mkfifo), DAMAGED),
    "a tokenizer of 10,000 levels": (
        lambda folder, ran: (folder / RULES).write_text('{"a":' * 10_000 + "1" + "}" * 10_000),
        DAMAGED,
    ),
    "token ids far away": (ids_far_away, "has embeddings for"),
    "a negative longest text": (lambda folder, ran: edit(folder / TOKENIZER, model_max_length=-5), "opened"),
    "an exponential pattern": (lambda folder, ran: with_rule(folder, "(a+)+$"), "takes forever on some texts"),
    "a pattern of the third power": (lambda folder, ran: with_rule(folder, "(a+a+)[cd]x"), "has not tokenised"),
    "a pattern that is none": (lambda folder, ran: with_rule(folder, "(((("), "cannot be read"),
}
CACHED = "a snapshot in the hub's cache that links elsewhere"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PROGRAM = """
    import json, os, signal, sys, time

    sys.path.insert(0, sys.argv[1])
    from sentiment_transfer.checkpoints.opening import open_model
    from sentiment_transfer.data import tokenising
    from sentiment_transfer.errors import UserError
    from sentiment_transfer.prediction.predictor import Predictor

    tokenising.SECONDS = 2.0
    said = {}
    for folder in sys.argv[2:]:
        started = time.monotonic()
        signal.alarm(30)
        try:
            model = Predictor(open_model(folder, labels={"LABEL_0": "negative", "LABEL_1": "positive"}))
            model.predict(["a" * 3_000 + "cd", "good food"])
            sentence = "opened"
        except UserError as error:
            sentence = str(error)
        except BaseException as error:
            sentence = f"not a sentence: {type(error).__name__}: {error}"
        said[folder] = [sentence, time.monotonic() - started]
    print(json.dumps(said))
    sys.stdout.flush()
    os._exit(0)  # not waiting for tokenizers that never end
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, set[Path]]:
    from transformers import AutoConfig, AutoModelForSequenceClassification

    folder = tmp_path_factory.mktemp("models")
    whole = pretrained_folder(folder / "encoder")
    torch.manual_seed(0)
    network = AutoModelForSequenceClassification.from_config(AutoConfig.from_pretrained(whole, num_labels=2))
    cases = {name: folder / f"case-{number}" / "model" for number, name in enumerate(CASES)}
    for name, case in cases.items():
        network.save_pretrained(case)
        learnt_tokenizer().save_pretrained(case)
        CASES[name][0](case, folder / "ran")
    cached = folder / "home" / "hub" / "models--owner--tiny"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(COMMIT)
    shutil.copytree(cases["nothing"], cached / "snapshots" / COMMIT)
    (cached / "snapshots" / COMMIT / WEIGHTS).unlink()
    (cached / "snapshots" / COMMIT / WEIGHTS).symlink_to("/etc/passwd")
    cases[CACHED] = Path("owner/tiny")
    before = set(folder.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(ROOT), *map(str, cases.values())],
        env=os.environ | {"RUST_BACKTRACE": "0", "HF_HOME": str(folder / "home"), "HF_HUB_OFFLINE": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    return {name: said[str(case)] for name, case in cases.items()}, folder, before


@pytest.mark.parametrize("case", CASES)
def test_a_folder_is_opened_without_harm_or_refused(case: str, opened: tuple[dict[str, Any], Path, set[Path]]) -> None:
    sentence, seconds = opened[0][case]
    assert re.search(CASES[case][1], sentence), sentence
    assert len(sentence) < 2_000
    assert seconds < 30


def test_a_snapshot_that_links_elsewhere_is_a_sentence(opened: tuple[dict[str, Any], Path, set[Path]]) -> None:
    assert "its weights file is damaged or was cut short" in opened[0][CACHED][0]


def test_no_code_has_run_and_nothing_was_written(opened: tuple[dict[str, Any], Path, set[Path]]) -> None:
    assert set(opened[1].rglob("*")) == opened[2]


def test_a_record_of_10_000_levels_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text('{"a":' * 100_000 + "1" + "}" * 100_000)
    with pytest.raises(UserError, match="is damaged"):
        open_model(str(tmp_path))
