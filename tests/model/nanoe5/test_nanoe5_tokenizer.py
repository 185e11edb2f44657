"""The published tokenizer's ids, and SentencePiece's pieces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.helpers.recorded_tokens import text_of
from transformers import PreTrainedTokenizerBase


@pytest.mark.real_data
def test_ids_are_those_of_the_published_tokenizer(
    tokenizer: PreTrainedTokenizerBase, expected: list[dict[str, Any]], real_data: Path
) -> None:
    assert len(expected) == 123
    for entry in expected:
        ids = tokenizer(text_of(real_data, entry), truncation=True, max_length=128)["input_ids"]
        assert ids == entry["input_ids"], (entry["file"], entry["line"])


@pytest.mark.real_data
def test_pieces_are_sentencepieces(tokenizer: PreTrainedTokenizerBase, real_models: Path, real_data: Path) -> None:
    """XLM-R's own model counts without <pad> before, and drops the white space at the end of a text."""
    from sentencepiece import SentencePieceProcessor

    reference = SentencePieceProcessor(model_file=str(real_models / "xlm-roberta-base" / "sentencepiece.bpe.model"))
    texts = [
        "",
        "   ",
        "  two  spaces",
        "tab\there\nand there",
        "ＦＵＬＬ　ｗｉｄｔｈ ½ ﬁ ﾊﾝｶｸ",
        "e\u0301 \u200b zero",
        "😀👍🏽 ꙮ",
    ]
    for name in ("uci_en/imdb_labelled.txt", "uci_en/yelp_labelled.txt", "smsa_id/valid_preprocess.tsv"):
        texts += [line.split("\t")[0] for line in (real_data / name).read_text(encoding="utf-8").split("\n")[:400]]
    texts += [line.split("\t")[2] for line in (real_data / "jalan_ja/pn.tsv").read_text().splitlines()[:400]]
    texts += (real_data / "nusax/toba_batak/test.csv").read_text(encoding="utf-8").split("\n")[:400]
    ends_in_space = ties = 0
    for text in texts:
        ids = tokenizer(text)["input_ids"]
        assert (ids[0], ids[-1]) == (0, 2)
        if text != text.rstrip():
            ends_in_space += 1
            assert ids[-2] == 6, text  # U+2581
            ids = [*ids[:-2], 2]
        pieces = [3 if piece == 0 else piece + 1 for piece in reference.encode(text)]
        if ids[1:-1] != pieces:  # "....": "..." and "." score the same either way round
            ties += 1
            assert sorted(ids[1:-1]) == sorted(pieces), text
    assert ends_in_space > 100 and ties < 5


def test_white_space_at_the_end_is_one_last_piece(tokenizer: PreTrainedTokenizerBase) -> None:
    for end in (" ", "  ", "\t", " \n", "\u3000"):
        assert tokenizer("good food" + end)["input_ids"][-2:] == [6, 2]
        assert tokenizer(end)["input_ids"] == [0, 6, 2]
    assert tokenizer("")["input_ids"] == [0, 2]
    assert tokenizer("good food")["input_ids"][-2] != 6
    pair = tokenizer("good", "food")["input_ids"]
    assert pair.count(2) == 3 and pair[0] == 0
