from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.helpers.learnt import learnt_tokenizer
from transformers import PreTrainedTokenizerBase

from sentiment_transfer.data.tokens import tokenizer_digest
from sentiment_transfer.errors import UserError
from sentiment_transfer.model import tokenizer as module
from sentiment_transfer.model.tokenizer import load_tokenizer, saved_tokenizer, train_tokenizer

TEXTS = [
    "kamarnya bersih dan nyaman, sarapannya enak sekali!",
    "kamarnya kotor; sarapannya tidak enak.",
    "The room was clean and the breakfast was very good, 10/10.",
    "部屋が綺麗で朝食が美味しい。",
] * 5
MANY_CHARACTERS = ["".join(chr(0x4E00 + 3 * number + place) for place in range(3)) for number in range(2_000)]
SPECIAL_IDS = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}


@pytest.fixture(scope="module")
def trained() -> PreTrainedTokenizerBase:
    return train_tokenizer(TEXTS, vocabulary=400)


def test_the_special_tokens_have_xlm_rs_ids(trained: PreTrainedTokenizerBase) -> None:
    assert {token: trained.convert_tokens_to_ids(token) for token in SPECIAL_IDS} == SPECIAL_IDS
    assert (trained.pad_token_id, trained.sep_token_id, trained.cls_token_id, trained.unk_token_id) == (1, 2, 0, 3)
    ids = trained("kamarnya bersih")["input_ids"]
    assert (ids[0], ids[-1]) == (0, 2)
    assert trained("")["input_ids"] == [0, 2]


def test_words_seen_often_become_pieces_and_text_comes_back(trained: PreTrainedTokenizerBase) -> None:
    assert trained.tokenize("sarapannya enak") == ["▁sarapannya", "▁enak"]
    text = "kamarnya bersih dan enak"
    assert trained.decode(trained(text)["input_ids"], skip_special_tokens=True) == text


def test_no_piece_crosses_white_space_or_punctuation() -> None:
    tokenizer = train_tokenizer(["not good, really not good"] * 50, vocabulary=400)
    pieces = [piece for piece in tokenizer.get_vocab() if piece not in SPECIAL_IDS]
    assert "▁good" in pieces
    assert not [piece for piece in pieces if "▁" in piece[1:] or " " in piece or ("," in piece and len(piece) > 1)]


def test_digits_are_pieces_of_their_own() -> None:
    tokenizer = train_tokenizer(["2024 2024 2024"] * 50, vocabulary=400)
    assert tokenizer.tokenize("2024")[-4:] == ["2", "0", "2", "4"]


def test_width_is_folded_before_pieces_are_cut(trained: PreTrainedTokenizerBase) -> None:
    assert trained("ｋａｍａｒｎｙａ　ﾊﾞｽ")["input_ids"] == trained("kamarnya バス")["input_ids"]


def test_what_was_never_seen_is_one_unknown_token(trained: PreTrainedTokenizerBase) -> None:
    assert trained("\U0001f600\U0001f600\U0001f600")["input_ids"].count(3) == 1


def test_half_an_emoji_does_not_stop_the_training() -> None:
    assert len(train_tokenizer(["good \ud83d", "good"], vocabulary=50)) > 5


def test_the_vocabulary_has_its_limit() -> None:
    words = [
        " ".join(f"w{chr(97 + a)}{chr(97 + b)}{chr(97 + c)}" for c in range(26)) for a in range(26) for b in range(26)
    ]
    assert len(train_tokenizer(words * 2, vocabulary=300)) == 300


def test_it_learns_from_the_first_texts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCRATCH_TEXTS", 10)

    def texts() -> Iterator[str]:
        for _ in range(10):
            yield "good food"
        yield "xyzzy"
        raise AssertionError("read on")

    assert "x" not in train_tokenizer(texts()).get_vocab()


@pytest.mark.parametrize("texts", [TEXTS, MANY_CHARACTERS], ids=["words", "more characters than it keeps"])
def test_the_same_texts_give_the_same_tokenizer(texts: list[str]) -> None:
    once = tokenizer_digest(train_tokenizer(texts))
    assert once == tokenizer_digest(train_tokenizer(texts))
    assert once != tokenizer_digest(train_tokenizer([*texts, "another another"]))


def test_another_process_with_all_its_cores_gives_the_same_tokenizer() -> None:
    code = """
import json, sys
from sentiment_transfer.data.tokens import tokenizer_digest
from sentiment_transfer.model.tokenizer import train_tokenizer
print(json.dumps([tokenizer_digest(train_tokenizer(texts)) for texts in json.load(sys.stdin)]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps([TEXTS, MANY_CHARACTERS]),
        env=os.environ | {"TOKENIZERS_PARALLELISM": "true", "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [tokenizer_digest(train_tokenizer(texts)) for texts in (TEXTS, MANY_CHARACTERS)]


def test_the_most_frequent_characters_are_kept() -> None:
    tokenizer = train_tokenizer(["の" * 3 + "は" * 2, *MANY_CHARACTERS], vocabulary=5_000)
    vocabulary = tokenizer.get_vocab()
    assert "の" in vocabulary and "は" in vocabulary
    assert sum(len(piece) == 1 for piece in vocabulary) == 4_000 + 1, "and the mark of a word's start"


@pytest.mark.parametrize("encoder", ["builtin:scratch", "builtin:ulmfit"])
def test_built_in_encoders_have_a_tokenizer_of_the_texts(encoder: str) -> None:
    assert tokenizer_digest(load_tokenizer(encoder, texts=iter(TEXTS))) == tokenizer_digest(train_tokenizer(TEXTS))


def test_a_tokenizer_named_outright_goes_before_the_encoders(tmp_path: Path, trained: PreTrainedTokenizerBase) -> None:
    trained.save_pretrained(tmp_path)
    for encoder in ("builtin:scratch", "builtin:ulmfit", "owner/name"):
        assert len(load_tokenizer(encoder, tokenizer=str(tmp_path))) == len(trained)


def test_a_trained_tokenizer_is_the_same_after_saving(tmp_path: Path, trained: PreTrainedTokenizerBase) -> None:
    trained.save_pretrained(tmp_path)
    loaded = load_tokenizer(str(tmp_path))
    for text in (*TEXTS, "\U0001f600", ""):
        assert loaded(text)["input_ids"] == trained(text)["input_ids"]


ODD = (
    "",
    " two  spaces ",
    "<s> <mask></s>",
    "ﬁ ｶﾞ \U0001f600 e\u0301",
    "tab\tline\nend",
    "مرحبا",
    "\u200b\ufeffx\u00ad",
)


def wordpieces(folder: Path) -> PreTrainedTokenizerBase:
    from transformers import BertTokenizer

    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *"abcdefghijklmnopqrstuvwxyz",
        "##e",
        "##o",
        "##m",
        "kamar",
        "##nya",
    ]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    return BertTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("kind", ["learnt", "in three", "BERT", pytest.param("XLM-R", marks=pytest.mark.real_data)])
def test_a_saved_tokenizer_is_the_one_that_was_saved(
    kind: str, tmp_path: Path, trained: PreTrainedTokenizerBase, request: pytest.FixtureRequest
) -> None:
    makers = {
        "learnt": lambda: trained,
        "in three": learnt_tokenizer,
        "BERT": lambda: wordpieces(tmp_path),
        "XLM-R": lambda: load_tokenizer(str(request.getfixturevalue("real_models") / "xlm-roberta-base")),
    }
    tokenizer = makers[kind]()
    tokenizer.save_pretrained(tmp_path / "saved")
    again, saved = load_tokenizer(str(tmp_path / "saved")), saved_tokenizer(tmp_path / "saved")
    for other in (again, saved):
        assert (len(other), other.pad_token_id, other.model_max_length) == (
            len(tokenizer), tokenizer.pad_token_id, tokenizer.model_max_length,
        )  # fmt: skip
        assert sorted(other.all_special_ids) == sorted(tokenizer.all_special_ids)
        for text in (*TEXTS[:4], *ODD):
            assert other(text)["input_ids"] == tokenizer(text)["input_ids"], text


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"The tokenizer folder {tmp_path}/none does not exist"):
        load_tokenizer(f"{tmp_path}/none")


@pytest.mark.parametrize("model_type", ["xlm-roberta", "bert", "deberta-v2", "modernbert"])
def test_a_folder_without_a_vocabulary_is_a_sentence(model_type: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    with pytest.raises(UserError, match=r"lacks its vocabulary file.*model\.tokenizer=|cannot be read"):
        load_tokenizer(str(tmp_path))


def test_a_tokenizer_without_padding_or_special_tokens_is_refused(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=core, unk_token="[UNK]").save_pretrained(tmp_path)
    with pytest.raises(UserError, match="gives no text-classification input"):
        load_tokenizer(str(tmp_path))


def test_code_in_a_folder_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "evil", "auto_map": {"AutoConfig": "evil.Evil"}}))
    facts = {"tokenizer_class": "Evil", "auto_map": {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(facts))
    with pytest.raises(UserError):
        load_tokenizer(str(tmp_path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.real_data
def test_the_real_xlm_r_tokenizer_loads(real_models: Path) -> None:
    tokenizer = load_tokenizer(str(real_models / "xlm-roberta-base"))
    assert len(tokenizer) == 250_002
    assert {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_IDS} == SPECIAL_IDS


@pytest.mark.real_data
def test_a_real_folder_with_a_configuration_only_is_a_sentence(real_models: Path) -> None:
    with pytest.raises(UserError, match="lacks its vocabulary file"):
        load_tokenizer(str(real_models / "xlm-roberta-large"))
