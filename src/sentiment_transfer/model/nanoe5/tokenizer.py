"""XLM-R's tokenizer made from its pieces, with the ids of the tokenizer.json that is published with the weights."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from sentiment_transfer.model.tokenizer import ROLES, SPECIAL

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

UNKNOWN = 3  # the id of <unk>
LONGEST = 512  # tokens


def xlmr_tokenizer(pieces: list[tuple[str, float]]) -> PreTrainedTokenizerBase:
    """A fast tokenizer over ``pieces``, whose first four are <s>, <pad>, </s> and <unk>, and whose last is <mask>.

    Like the published one and unlike XLM-R's, white space at the end of a text gives a final U+2581.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.Unigram(pieces, unk_id=UNKNOWN))
    # Not WhitespaceSplit before Metaspace, which loses the white space at the end. The charsmap turns tabs and line
    # ends into spaces.
    core.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(nmt_nfkc()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.decoder = decoders.Metaspace()
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", SPECIAL.index("<s>")), ("</s>", SPECIAL.index("</s>"))],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        **ROLES,
        mask_token=AddedToken("<mask>", lstrip=True, special=True),
        model_max_length=LONGEST,
    )


def nmt_nfkc() -> bytes:
    """The compiled charsmap of SentencePiece's normalisation ``nmt_nfkc``, taken from a model trained on two words.

    It is newer than XLM-R's of 2019: 159 rare characters (modifier letters, U+061C) are normalised differently there.
    """
    from sentencepiece import SentencePieceTrainer
    from sentencepiece.sentencepiece_model_pb2 import ModelProto  # type: ignore[attr-defined]  # made when imported

    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(["a b", "b a"] * 5),
        model_writer=model,
        vocab_size=6,
        normalization_rule_name="nmt_nfkc",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return bytes(ModelProto.FromString(model.getvalue()).normalizer_spec.precompiled_charsmap)
