"""Models that must not be run: each is refused with a sentence before anything is trained."""

from __future__ import annotations

import json
import pickle
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from tests.helpers.tiny import VOCABULARY, load, random, tiny_folder

from sentiment_transfer.errors import UserError
from sentiment_transfer.model.tokenizer import load_tokenizer


def test_pickled_weights_are_refused_and_never_opened(saved: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return Path.touch, (saved / "exploded",)

    (saved / "model.safetensors").unlink()
    (saved / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UserError, match=r"no \*\.safetensors weights \(pickled .*model\.weights=random"):
        load(saved)
    assert not (saved / "exploded").exists()


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"has no \*\.safetensors weights\. Put them there, or type model\.weights=random"
    ):
        load(tiny_folder(tmp_path))


@pytest.mark.parametrize("keep", [0, 4, 500, -1])
def test_a_weights_file_that_was_cut_short_is_refused(saved: Path, keep: int) -> None:
    path = saved / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=f"The model in the folder {saved} cannot be read"):
        load(saved)


def test_weights_of_another_architecture_are_refused(saved: Path, tmp_path: Path) -> None:
    random(tiny_folder(tmp_path / "bert", "bert")).save_pretrained(tmp_path / "saved-bert")
    shutil.copy(tmp_path / "saved-bert" / "model.safetensors", saved)
    with pytest.raises(UserError, match=r"do not fit the architecture in its config\.json \(xlm-roberta\)"):
        load(saved)


@pytest.mark.parametrize("change", [{"hidden_size": 32}, {"num_hidden_layers": 3}, {"vocab_size": 70}])
def test_weights_of_another_size_are_refused(saved: Path, change: dict[str, int]) -> None:
    config = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(UserError, match=r"tensors are absent or of another shape, e\.g\. roberta"):
        load(saved)


def test_one_missing_tensor_of_the_encoder_is_refused(saved: Path) -> None:
    tensors = load_file(saved / "model.safetensors")
    del tensors["roberta.encoder.layer.1.output.dense.weight"]
    save_file(tensors, saved / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"1 tensors .*roberta\.encoder\.layer\.1\.output\.dense\.weight"):
        load(saved)


def test_a_tokenizer_larger_than_the_embedding_is_refused(saved: Path) -> None:
    load(saved, vocabulary=VOCABULARY)
    with pytest.raises(UserError, match=r"The tokenizer has 61 tokens but .* embeddings for 60: .*model\.tokenizer="):
        load(saved, vocabulary=VOCABULARY + 1)


@pytest.mark.parametrize(
    ("config", "answer"),
    [
        ("{", "cannot be read"),
        ('{"model_type": "nobody-knows"}', "cannot be read: .*nobody-knows"),
        ('{"hidden_size": 5}', "cannot be read"),
        ('{"model_type": "clip"}', "cannot be read"),
    ],
)
@pytest.mark.parametrize("random_weights", [True, False])
def test_a_configuration_that_is_none_is_a_sentence(
    config: str, answer: str, random_weights: bool, saved: Path
) -> None:
    (saved / "config.json").write_text(config)
    with pytest.raises(UserError, match=answer):
        load(saved, random_weights=random_weights)


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"is_decoder": True}, "is_decoder=true in its config.json: each token sees only those before it"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type relative_key"),
        ({"num_hidden_layers": 1_000_000_000}, "num_hidden_layers=1000000000 is more than 1,000"),
        ({"num_hidden_layers": 1e9}, r"num_hidden_layers=1000000000\.0 is more than 1,000"),
        ({"num_labels": 1_000_000_000}, "num_labels=1000000000 is more than 1,000"),
        ({"vocab_size": 2_000_000_000_000}, "asks for .* GiB of weights"),
        ({"hidden_size": 10**19}, "cannot be read"),
        ({"attn_implementation": "org/kernel"}, "attn_implementation=org/kernel names code that would be downloaded"),
        ({"attn_implementation": {"": "sdpa", "x": "org/kernel"}}, "names code that would be downloaded"),
        ({"text_config": {"_attn_implementation": "flash_attention_2"}}, "names code that would be downloaded"),
        ({"experts_implementation": "org/kernel"}, "names code that would be downloaded"),
        ({"quantization_config": {"quant_method": "mxfp4"}}, "quantised weights are not read"),
        ({"layer_types": ["full_attention"] * 5_000}, "layer_types has 5,000 items"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("random_weights", [True, False])
def test_a_configuration_that_must_not_be_built_is_refused_at_once(
    change: dict[str, Any], answer: str, random_weights: bool, saved: Path
) -> None:
    config = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(config | change))
    started = time.monotonic()
    with pytest.raises(UserError, match=answer):
        load(saved, random_weights=random_weights)
    assert time.monotonic() - started < 10
    if answer.startswith(("num_", "attn_")):  # transformers reads it for the tokenizer's class as well
        with pytest.raises(UserError, match=answer):
            load_tokenizer(str(saved))


@pytest.mark.parametrize("depth", [30, 10_000])
def test_a_configuration_of_many_levels_is_refused(depth: int, saved: Path) -> None:
    (saved / "config.json").write_text('{"a": ' * depth + "1" + "}" * depth)
    with pytest.raises(UserError, match="nested more than 20 levels deep"):
        load(saved)


def test_adapters_beside_the_weights_are_refused(saved: Path) -> None:
    facts = {"peft_type": "LORA", "base_model_name_or_path": "owner/other", "r": 2, "target_modules": ["query"]}
    (saved / "adapter_config.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match=r"holds an adapter_config\.json: .* Merge them"):
        load(saved)


@pytest.mark.parametrize("name", ["../other/model.safetensors", "/etc/passwd", "a/b.safetensors", 5, ["x"], ""])
def test_an_index_that_names_files_elsewhere_is_refused(saved: Path, name: object) -> None:
    shutil.copytree(saved, saved.with_name("other"))
    (saved / "model.safetensors").rename(saved / "part.safetensors")
    names = dict.fromkeys(load_file(saved / "part.safetensors"), name)
    (saved / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": names}))
    with pytest.raises(UserError, match=r"of a weights file in .*index\.json is refused|index\.json is damaged"):
        load(saved)


@pytest.mark.parametrize("revision", ["../../main", "/etc", "a\\b"])
def test_a_revision_that_leads_out_of_the_cache_is_refused(revision: str) -> None:
    with pytest.raises(UserError, match=r"The revision .* is refused: give a branch"):
        load("owner/name", revision=revision)


def test_kernels_of_the_hub_are_off() -> None:
    from transformers.integrations import hub_kernels

    assert not hub_kernels._kernels_enabled


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"The model folder {tmp_path}/none does not exist"):
        load(tmp_path / "none")


def test_code_in_a_folder_is_not_run(saved: Path) -> None:
    (saved / "evil.py").write_text(f"open({str(saved / 'ran')!r}, 'w')\nclass Evil: pass\n")
    mapping = {"AutoConfig": "evil.Evil", "AutoModelForSequenceClassification": "evil.Evil"}
    (saved / "config.json").write_text(json.dumps({"model_type": "evil", "auto_map": mapping}))
    with pytest.raises(UserError):
        load(saved)
    assert not (saved / "ran").exists()


def test_an_unknown_built_in_encoder_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        UserError, match=r"model\.encoder=builtin:giga does not exist: .*builtin:scratch and builtin:ulmfit\."
    ):
        load("builtin:giga")
