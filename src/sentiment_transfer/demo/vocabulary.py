"""The demo tokenizer: the lexicon's words as pieces, single characters for everything else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sentiment_transfer.demo.lexicon import LANGUAGES, Language, lexicon, morphemes

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SPACE = "▁"  # SentencePiece's mark for a word start, as in XLM-R's vocabulary
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")  # XLM-R's ids 0 to 3; <mask> is its last id
MASK = "<mask>"

# Log-probabilities of the unigram model: any word beats any spelling, and of two ways to cut a text into equally
# many words the one with the longest word wins.
WORD_SCORE = -10.0
LENGTH_BONUS = 0.01  # per squared character
CHARACTER_SCORE = -30.0


def piece_of(text: str, language: Language) -> str:
    """How a word or a ``+suffix`` looks in the vocabulary: lower case, with its spaces and its start marked."""
    if language == "ja" or text.startswith("+"):
        return text.removeprefix("+").lower()
    return SPACE + text.lower().replace(" ", SPACE)


@cache
def meanings() -> dict[str, str | None]:
    """Every word piece and the meaning it shares with its translations (None: only this language has it).

    A piece that two languages spell alike ("hotel") is one piece, as in any shared vocabulary.
    """
    pieces: dict[str, str | None] = {}
    for entry in lexicon():
        for language in LANGUAGES:
            pieces.setdefault(piece_of(entry.stem(language), language), entry.en)
        if "past" in entry.forms:
            pieces.setdefault(piece_of(entry.forms["past"], "en"), entry.en)
    for morpheme in morphemes():
        pieces.setdefault(piece_of(morpheme.text, morpheme.language), morpheme.meaning)
    return pieces


def _characters() -> list[str]:
    ascii_ = {chr(code) for code in range(0x21, 0x7F)}
    kana = {chr(code) for code in (*range(0x3041, 0x3097), *range(0x30A1, 0x30FB), 0x30FC)}
    return sorted({SPACE, *ascii_, *kana, *"".join(meanings())} - set(meanings()))


@cache
def pieces() -> tuple[tuple[str, float], ...]:
    """The vocabulary in the order of its ids, with log-probabilities: special tokens, words, characters, <mask>."""
    known = [(piece, WORD_SCORE + LENGTH_BONUS * len(piece) ** 2) for piece in meanings()]
    spelled = [(character, CHARACTER_SCORE) for character in _characters()]
    special = [(token, 0.0) for token in SPECIAL]
    return (*special, *known, *spelled, (MASK, 0.0))


def demo_tokenizer() -> PreTrainedTokenizerFast:
    """A SentencePiece-like unigram tokenizer over the demo lexicon, made in memory.

    It folds case and width, segments unspaced Japanese, keeps expressions such as "easy to use" in one piece, and
    spells a word that it does not know; a character that it does not know is ``<unk>``. Special tokens have
    XLM-R's ids, and a text becomes ``<s> ... </s>``.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.Unigram(list(pieces()), unk_id=SPECIAL.index("<unk>"), byte_fallback=False))
    backend.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    backend.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, prepend_scheme="always", split=False)
    backend.decoder = decoders.Metaspace(SPACE, prepend_scheme="always", split=False)
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token=MASK,
        model_max_length=512,
        model_input_names=["input_ids", "attention_mask"],
    )
