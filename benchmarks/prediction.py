"""Speed and memory of prediction.

    python -m benchmarks.prediction --checkpoint folder          against transformers.pipeline and, where the folder was
                                                                 exported with onnx=true, ONNX Runtime in int8
    python -m benchmarks.prediction --checkpoint outputs/<run> --rows 5000000 --memory     predict.py over a large file

The texts are 20,000 real ones (``--rows``). The pipeline is tuned: bf16, texts sorted by length, batches of 32,
truncation at 256 tokens; ONNX Runtime gets the same batches. All take texts, tokenise them and return labels, which are
compared with those of fp32. Processes alternate turns of 1,000 texts, in alternating order, so that all see the same
machine load. SENTIMENT_DATA_DIR names the folder of SmSA, IndoLEM, jalan_ja and uci_en.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).parents[1]
TURN = 1_000  # texts
LABELS = {"LABEL_0": "negative", "LABEL_1": "positive"}  # for a folder with random weights
LENGTH = 256
BATCH = 32
Answer = Callable[[list[str]], list[str]]


def real_texts(count: int) -> list[str]:
    """A fixed mixture of Indonesian, Japanese and English reviews, shuffled."""
    data = Path(os.environ.get("SENTIMENT_DATA_DIR", "data"))
    texts: list[str] = []
    for path in sorted(data.glob("smsa_id/*_preprocess.tsv")):
        texts += [line.split("\t")[0] for line in path.read_text(encoding="utf-8").splitlines()]
    for path in sorted(data.glob("indolem_id/*0.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            texts += [row["sentence"] for row in csv.DictReader(file)]
    for line in (data / "jalan_ja" / "pn.tsv").read_text(encoding="utf-8").splitlines():
        texts.append(line.split("\t")[2])
    for path in sorted(data.glob("uci_en/*_labelled.txt")):
        texts += [line.split("\t")[0] for line in path.read_text(encoding="utf-8").split("\n") if line]
    order = np.random.default_rng(0).permutation(len(texts))
    return [texts[place] for place in order if texts[place].strip()][:count]


def ours(checkpoint: str, precision: str = "auto") -> tuple[Answer, Callable[[list[str]], int]]:
    from sentiment_transfer import load
    from sentiment_transfer.errors import UserError
    from sentiment_transfer.prediction.texts import token_ids

    try:
        model = load(checkpoint, precision=precision)
    except UserError:
        model = load(checkpoint, labels=LABELS, precision=precision)
    model.model.__dict__["max_length"] = min(LENGTH, model.model.max_length)

    def answer(texts: list[str]) -> list[str]:
        return [str(prediction.label) for prediction in model.predict(texts)]

    return answer, lambda texts: sum(map(len, token_ids(model.model.tokenizer, texts, model.model.max_length)))


def pipeline(checkpoint: str) -> tuple[Answer, Callable[[list[str]], int]]:
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    pipe = transformers.pipeline("text-classification", model=checkpoint, dtype=torch.bfloat16)

    def answer(texts: list[str]) -> list[str]:
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        answers = pipe([texts[place] for place in order], batch_size=BATCH, truncation=True, max_length=LENGTH)
        labels = [""] * len(texts)
        for place, said in zip(order, answers, strict=True):
            labels[place] = LABELS.get(said["label"], said["label"])
        return labels

    return answer, lambda texts: 0


def onnx(checkpoint: str) -> tuple[Answer, Callable[[list[str]], int]]:
    from sentiment_transfer.data.batches import pad
    from sentiment_transfer.export.onnx import INPUTS, INT8, session
    from sentiment_transfer.model.tokenizer import saved_tokenizer
    from sentiment_transfer.prediction.texts import token_ids

    folder = Path(checkpoint)
    names = json.loads((folder / "config.json").read_text())["id2label"]
    tokenizer, run = saved_tokenizer(folder), session(folder / INT8)
    [output] = (each.name for each in run.get_outputs())

    def answer(texts: list[str]) -> list[str]:
        ids = token_ids(tokenizer, texts, LENGTH)
        order = sorted(range(len(texts)), key=lambda place: -len(ids[place]))
        labels = [""] * len(texts)
        for begin in range(0, len(order), BATCH):
            rows = order[begin : begin + BATCH]
            batch = pad([ids[row] for row in rows], tokenizer.pad_token_id)
            logits = run.run([output], {name: batch[name].numpy() for name in INPUTS})[0]
            for row, index in zip(rows, logits.argmax(-1), strict=True):
                labels[row] = LABELS.get(names[str(index)], names[str(index)])
        return labels

    return answer, lambda texts: 0


class Contestant:
    """A process that predicts the texts of a turn on request."""

    def __init__(self, name: str, checkpoint: str, texts: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.prediction", "--contestant", name, "--checkpoint", checkpoint]
        command += ["--texts", str(texts)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def turn(self, number: int) -> dict:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise SystemExit("error: a contestant ended before its turn was over.")


def contestant(name: str, checkpoint: str, path: Path) -> None:
    texts = json.loads(path.read_text())
    programs = {"ours": ours, "pipeline": pipeline, "onnx": onnx, "fp32": lambda path: ours(path, "32-true")}
    answer, count = programs[name](checkpoint)
    answer(texts[:BATCH])
    for line in sys.stdin:
        begin = int(line) * TURN
        chunk = texts[begin : begin + TURN]
        started = time.perf_counter()
        labels = answer(chunk)
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "labels": labels, "tokens": count(chunk)}), flush=True)


def duel(checkpoint: str, rows: int) -> None:
    texts = real_texts(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.json"
        path.write_text(json.dumps(texts))
        names = ["ours", "pipeline", *(["onnx"] if (Path(checkpoint) / "onnx").is_dir() else [])]
        programs = {name: Contestant(name, checkpoint, path) for name in [*names, "fp32"]}
        taken: dict[str, list[dict]] = {name: [] for name in programs}
        try:
            for number in range(-(-len(texts) // TURN)):
                for name in names[:: 1 if number % 2 else -1]:
                    taken[name].append(programs[name].turn(number))
            taken["fp32"] = [programs["fp32"].turn(number) for number in range(-(-len(texts) // TURN))]
        finally:
            for one in programs.values():
                one.process.kill()
                one.process.wait()
    tokens = [turn["tokens"] for turn in taken["ours"]]
    labels = {name: [label for turn in turns for label in turn["labels"]] for name, turns in taken.items()}
    print(f"{len(texts):,} texts, {sum(tokens):,} tokens")
    for name in names:
        speed = median(count / turn["seconds"] for count, turn in zip(tokens, taken[name], strict=True))
        ratios = [b["seconds"] / a["seconds"] for a, b in zip(taken["ours"], taken[name], strict=True)]
        same = sum(a == b for a, b in zip(labels[name], labels["fp32"], strict=True))
        print(
            f"{name:9} {speed:7,.0f} tokens/s; ours is {median(ratios):.2f}x as fast ({min(ratios):.2f} to "
            f"{max(ratios):.2f}); {same:,} labels are those of fp32 ({same / len(texts):.2%})"
        )


def generated(path: Path, rows: int) -> None:
    from sentiment_transfer.data.written_reviews import WrittenDataModule

    texts = [t for language in ("en", "ja") for t in WrittenDataModule(language=language).reviews("test").table["text"]]
    plain = [text.as_py() for text in texts]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows([row, plain[row * 7_919 % len(plain)]] for row in range(rows))


def memory(checkpoint: str, rows: int) -> None:
    """Resident memory of predict.py while it processes a generated file."""
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "in.csv", Path(folder) / "out.csv"
        generated(source, rows)
        command = [sys.executable, "predict.py", f"checkpoint={Path(checkpoint).resolve()}"]
        started = time.monotonic()
        process = subprocess.Popen([*command, f"input={source}", f"output={output}"], cwd=ROOT)
        seen: list[tuple[int, int]] = []  # rows done, bytes resident
        while process.poll() is None:
            time.sleep(0.5)
            try:
                done = json.loads((Path(folder) / ".out.csv.partial" / "journal.json").read_text())["rows"]
                pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
            except (OSError, ValueError, IndexError):
                continue
            seen.append((done, pages * os.sysconf("SC_PAGE_SIZE")))
        if process.returncode or not seen:
            raise SystemExit(f"error: predict.py ended with {process.returncode}.")
        lines = sum(1 for _ in output.open("rb")) - 1
        for tenth in range(10):
            part = [size for done, size in seen if done * 10 // (rows + 1) == tenth]
            if part:
                print(f"rows {rows * tenth // 10:>10,}: at most {max(part) / 2**30:.2f} GiB")
        print(
            f"{lines:,} rows out, {time.monotonic() - started:,.0f} s; peak {max(s for _, s in seen) / 2**30:.2f} GiB"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    parser.add_argument("--texts", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))
    if arguments.contestant:
        contestant(arguments.contestant, arguments.checkpoint, arguments.texts)
    elif arguments.memory:
        memory(arguments.checkpoint, arguments.rows)
    else:
        duel(arguments.checkpoint, arguments.rows)


if __name__ == "__main__":
    main()
