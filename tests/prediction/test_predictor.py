"""``load(path).predict(texts)`` answers as the network does, one text at a time, in full precision."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.helpers.labelled_files import predicted

from sentiment_transfer import Prediction, Predictor, load
from sentiment_transfer.errors import UserError
from sentiment_transfer.prediction.texts import token_ids

TEXTS = [
    "The room was lovely and the staff were kind.",
    "最悪のサービスでした。",
    "Terrible.",
    "a <pad> in the <pad><pad> middle </s> of <s> it <mask>",
    "<pad>",
    "good " * 200,
]


@pytest.fixture(scope="module")
def model(model_folder: Path) -> Predictor:
    return load(model_folder, precision="32-true")


def alone(model: Predictor, text: str) -> np.ndarray:
    """By the network's own padded way, the text being shorter than another of its batch."""
    ids = torch.from_numpy(token_ids(model.model.tokenizer, [text], model.model.max_length)[0].astype(np.int64))
    padded = torch.full((2, 80), model.model.tokenizer.pad_token_id)
    padded[:, : len(ids)] = ids
    mask = torch.zeros(2, 80, dtype=torch.long)
    mask[:, : len(ids)] = 1
    model.network.set_attn_implementation("sdpa")
    try:
        with torch.inference_mode():
            return model.model.probabilities(model.network(input_ids=padded, attention_mask=mask).logits)[0].numpy()
    finally:
        model.network.set_attn_implementation("packed")


@pytest.mark.parametrize("text", TEXTS)
def test_packed_answers_are_the_padded_ones_also_of_spelled_special_tokens(model: Predictor, text: str) -> None:
    together = model.probabilities(TEXTS)[TEXTS.index(text)]
    assert np.abs(together - alone(model, text)).max() < 1e-5


def test_the_fused_kernels_agree_on_spelled_padding(model_folder: Path, model: Predictor) -> None:
    fused = load(model_folder, precision="bf16-mixed")
    assert np.abs(fused.probabilities(TEXTS) - model.probabilities(TEXTS)).max() < 0.05
    assert fused.batching[0] in ("packed, fused kernels", "packed")


def test_the_batches_do_not_change_the_answers_or_their_order(model: Predictor) -> None:
    one_by_one = np.concatenate([model.probabilities([text]) for text in TEXTS])
    assert np.abs(model.probabilities(TEXTS) - one_by_one).max() < 1e-5
    assert np.abs(model.probabilities(TEXTS)[::-1] - model.probabilities(TEXTS[::-1])).max() < 1e-5
    answers = model.predict(TEXTS, batch_tokens=10)
    assert [max(a.probabilities, key=a.probabilities.__getitem__) for a in answers] == [a.label for a in answers]


def test_what_cannot_be_answered_has_a_reason(model: Predictor) -> None:
    answers = model.predict(["lovely", None, " \n", "half \ud83d", 3, "lovely"])  # type: ignore[list-item]
    assert [answer.reason for answer in answers] == ["", "empty text", "empty text", "undecodable text", "not text", ""]
    assert [answer.label is None for answer in answers] == [False, True, True, True, True, False]
    assert answers[1].probabilities == {} and answers[1].probability is None
    assert answers[0].label == answers[5].label


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_output_that_is_not_finite_is_refused_with_its_text(
    model: Predictor, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    answer_not_finite(monkeypatch, value)
    with pytest.raises(UserError, match=r"The output of .* for text 3 is not a finite number"):
        model.predict(["lovely", "", BAD, "awful food", BAD + "."])
    with pytest.raises(UserError, match="for text 2 is not a finite number"):
        model.probabilities(["lovely", BAD])
    assert model.predict("lovely").label


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_predict_names_the_row_and_keeps_those_before_it(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    from sentiment_transfer.prediction import windows

    texts = ["lovely"] * 5 + [BAD] + ["awful"] * 2
    source = tmp_path / f"in{ending}"
    lines = [f'{{"text": "{text}"}}' for text in texts] if ending == ".jsonl" else ["text", *texts]
    source.write_text("\n".join(lines))
    monkeypatch.setattr(windows, "CHARACTERS", 12)
    with monkeypatch.context() as patch:
        answer_not_finite(patch, np.nan)
        with pytest.raises(UserError, match="for row 6 of the input is not a finite number"):
            predicted(model_folder, source, tmp_path / f"out{ending}")
    assert not (tmp_path / f"out{ending}").exists()
    predicted(model_folder, source, tmp_path / f"out{ending}")
    assert (tmp_path / f"out{ending}").read_text().count("lovely") == 5


BAD = "a text that overflows"


def answer_not_finite(patch: pytest.MonkeyPatch, value: float) -> None:
    """The network's first output for BAD, and for what is longer, is ``value``."""
    logits = Predictor._logits

    def some(predictor: Predictor, ids: list[np.ndarray]) -> torch.Tensor:
        answers = logits(predictor, ids).clone()
        length = len(token_ids(predictor.model.tokenizer, [BAD], 100)[0])
        for row, text in enumerate(ids):
            if len(text) >= length:
                answers[row, 0] = value
        return answers

    patch.setattr(Predictor, "_logits", some)


def test_one_string_is_one_text_and_no_text_is_no_answer(model: Predictor) -> None:
    assert model.predict("lovely") == model.predict(["lovely"])[0]
    assert sum(model.predict("lovely").probabilities.values()) == pytest.approx(1)
    assert model.predict([]) == []
    assert model.predict("").reason == "empty text"
    assert model.predict(text for text in ["lovely"])[0].label


def test_the_package_itself_stays_light() -> None:
    code = "import sys, sentiment_transfer as s; s.__version__; sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_prediction_needs_neither_lightning_nor_torchmetrics() -> None:
    code = (
        "import sys, sentiment_transfer; sentiment_transfer.load;"
        "sys.exit(any(name in sys.modules for name in ('pytorch_lightning', 'torchmetrics', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_column_of_a_frame_is_a_list_of_texts(model: Predictor) -> None:
    frame = pd.DataFrame({"review": ["lovely", None, float("nan"), pd.NA], "stars": 1}, index=[7, 3, 5, 1])
    assert [answer.reason for answer in model.predict(frame["review"])] == ["", *["empty text"] * 3]
    assert model.predict(np.array(["lovely"]))[0].label
    with pytest.raises(UserError, match=r"a DataFrame with the columns review, stars: .*predict\(frame\['review'\]\)"):
        model.predict(frame)
    with pytest.raises(UserError, match="The texts are a int"):
        model.predict(3)  # type: ignore[call-overload]


def test_answers_are_a_table_beside_the_frame_they_came_from(model: Predictor) -> None:
    frame = pd.DataFrame({"review": ["lovely", None, "Terrible."]}, index=[7, 3, 5])
    answers = model.predict(frame["review"])
    table = frame.join(answers.to_frame())
    assert table["reason"].to_dict() == {7: "", 3: "empty text", 5: ""}
    assert list(answers.to_frame()) == ["label", *(f"probability_{name}" for name in model.classes), "reason"]
    assert table["label"].tolist() == [answer.label for answer in answers] and table["label"][3] is None
    together = model.probabilities(frame["review"])
    assert np.array_equal(answers.to_frame().iloc[:, 1:-1].to_numpy(np.float32), together, equal_nan=True)
    assert model.predict(["lovely"]).to_frame().index.tolist() == [0]
    assert list(model.predict([]).to_frame()) == list(answers.to_frame())
    assert pickle.loads(pickle.dumps(answers)).to_frame().equals(answers.to_frame())
    with pytest.raises(UserError, match=r"type probabilities\(\[text\]\)"):
        model.probabilities("lovely")


def test_objects_show_in_one_line_what_they_are(model: Predictor) -> None:
    assert repr(Prediction("positive", {"negative": 1 / 3, "positive": 2 / 3})) == (
        "Prediction(label='positive', probabilities={'negative': 0.3333, 'positive': 0.6667})"
    )
    assert repr(model.predict("")) == "Prediction(label=None, reason='empty text')"
    assert repr(model).startswith(f"Predictor({model.model.origin.name}: negative/positive; at most ")
    assert "32-true, packed" in repr(model) and "\n" not in repr(model)
