"""The tokenizer of a run: the encoder's own, or one trained on the source's texts."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from sentiment_transfer.data.tokenising import in_bounded_time
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.configuration import check_config
from sentiment_transfer.model.hub import sentences_for_hub_errors

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BUILTIN = "builtin:"
LEARNT = (BUILTIN + "scratch", BUILTIN + "ulmfit")  # have a tokenizer learnt from the run's training texts
SCRATCH_VOCABULARY = 10_000
SCRATCH_TEXTS = 50_000  # texts to learn from: more change no piece that matters and cost a second per 10,000
SCRATCH_CHARACTERS = 2_000  # of each text: learning from one unspaced text of 2 MB takes longer than ten minutes
SCRATCH_ALPHABET = 4_000  # characters, so that pieces of several have room as well
# What XLM-R uses its special tokens for.
ROLES = {
    **{"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>"},
    **{"pad_token": "<pad>", "unk_token": "<unk>"},
}
PLAIN_CLASSES = ("PreTrainedTokenizerFast", "TokenizersBackend")  # of transformers 4 and 5
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def load_tokenizer(
    encoder: str, *, tokenizer: str | None = None, revision: str | None = None, texts: Iterable[str] = ()
) -> PreTrainedTokenizerBase:
    """The tokenizer for ``encoder`` (Hugging Face name, folder or one of ``LEARNT``), or the one named outright.

    ``texts`` are what those in ``LEARNT`` have their pieces from. Raises UserError if it is unavailable.
    """
    if tokenizer is None and encoder in LEARNT:
        return train_tokenizer(texts)
    from transformers import AutoTokenizer

    name = tokenizer or encoder
    if name.startswith(BUILTIN):
        raise UserError(f"model.encoder={name} does not exist: the built-in encoders are {' and '.join(LEARNT)}.")
    with sentences_for_hub_errors("tokenizer", name, "model.tokenizer=/path/to/folder"):
        revision = check_config(name, None if tokenizer else revision)
        loaded = plain_tokenizer(Path(name)) or AutoTokenizer.from_pretrained(
            name, revision=revision, trust_remote_code=False, use_fast=True
        )
    # Where the vocabulary file is absent, transformers 5 makes a tokenizer of special tokens alone without a word.
    hollow = len(loaded) < 1_000 and len(loaded.get_vocab()) <= len(set(loaded.all_special_tokens))
    ids = [] if hollow else in_bounded_time(partial(loaded.__call__, "a"), "a")["input_ids"]
    if len(ids) < 3 or loaded.pad_token_id is None:
        raise UserError(
            f"The tokenizer {name} gives no text-classification input (words, special tokens around the text, a "
            "padding token): it was probably read from a folder that lacks its vocabulary file. Name another with "
            "model.tokenizer=/path/to/folder."
        )
    return loaded


def saved_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer that a run saved beside its weights, from its ``tokenizer.json``.

    AutoTokenizer builds XLM-R's again from its vocabulary, with the same ids and in twice the time. Save only
    ``load_tokenizer``'s, which keeps the class that other programs ask for. Raises UserError if it is unavailable.
    """
    from transformers import PreTrainedTokenizerFast

    if not (folder / "tokenizer.json").is_file():
        return load_tokenizer(str(folder))
    with sentences_for_hub_errors("tokenizer", str(folder), "model.tokenizer=/path/to/folder"):
        return plain_tokenizer(folder) or PreTrainedTokenizerFast.from_pretrained(folder)


def plain_tokenizer(folder: Path) -> PreTrainedTokenizerBase | None:
    """The tokenizer of a folder whose ``tokenizer_config.json`` names no class of its own and holds plain values alone;
    None for every other folder, which transformers knows how to read.

    Its Rust core reads tokenizer.json by itself. ``from_pretrained`` reads the file in Python as well, for what other
    classes need of it: 0.3 s for XLM-R's vocabulary.
    """
    path = folder / "tokenizer.json"
    try:
        settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        kind = settings.pop("tokenizer_class")
        found = path.stat()
    except (OSError, ValueError, AttributeError, KeyError):
        return None
    plain = all(isinstance(value, str | int | float | None) for value in settings.values())
    if kind not in PLAIN_CLASSES or not plain:
        return None
    return _read_plain(path, found.st_size, found.st_mtime_ns, found.st_ino, **settings)


@lru_cache(maxsize=1)  # the runs of a notebook, and the forked jobs of a sweep, mostly have the same
def _read_plain(path: Path, *state: int, **settings: str | int | float | None) -> PreTrainedTokenizerBase:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_file=str(path), name_or_path=str(path.parent), **settings)


def vocabulary_size(tokenizer: PreTrainedTokenizerBase) -> int:
    """The embedding rows that a tokenizer's ids need: more than it has tokens where ids are left out."""
    core = getattr(tokenizer, "backend_tokenizer", None)
    if type(getattr(core, "model", None)).__name__ != "Unigram":
        return 1 + max(tokenizer.get_vocab().values(), default=-1)
    # A unigram model's ids have no gap, and to list XLM-R's 250,002 tokens takes 0.2 s: a run asks five times.
    return max(core.get_vocab_size(with_added_tokens=False), 1 + max(core.get_added_tokens_decoder(), default=-1))  # type: ignore[union-attr]


def train_tokenizer(texts: Iterable[str], vocabulary: int = SCRATCH_VOCABULARY) -> PreTrainedTokenizerBase:
    """A byte-pair tokenizer learnt from ``texts``, with XLM-R's special tokens and ids 0 to 3.

    The same texts always give the same tokenizer. Pieces never cross white space; what was never seen is <unk>.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    core.normalizer = normalizers.NFKC()  # half-width kana and full-width Latin become the usual forms
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation(), pre_tokenizers.Digits(individual_digits=True)]
    )
    core.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=list(SPECIAL), min_frequency=2, show_progress=False
    )
    core.train_from_iterator(_without_rare_characters(_first(texts, SCRATCH_TEXTS)), trainer)
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", SPECIAL.index("<s>")), ("</s>", SPECIAL.index("</s>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        **ROLES,
        mask_token="<mask>",
    )


def _first(texts: Iterable[str], count: int) -> Iterator[str]:
    for number, text in enumerate(texts):
        if number == count:
            return
        yield text[:SCRATCH_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _without_rare_characters(texts: Iterable[str]) -> list[str]:
    """The texts, in NFKC, less the characters that are not among the most frequent.

    BpeTrainer's own ``limit_alphabet`` draws lots between equally rare characters, anew for every tokenizer.
    """
    normal = [unicodedata.normalize("NFKC", text) for text in texts]
    counts = Counter(character for text in normal for character in text)
    rare = dict.fromkeys(ord(character) for character, _ in counts.most_common()[SCRATCH_ALPHABET:])
    return [text.translate(rare) for text in normal] if rare else normal
