"""The job by ``transformers.Trainer``, as its text-classification example does it, or as an expert would tune it.

    python -m benchmarks.job.trainer RECIPE.json            defaults: fp32, random batches, evaluation batches of 8
    python -m benchmarks.job.trainer RECIPE.json --tuned    bf16, batches and test sets by length, larger evaluation
                                                            batches, each text tokenised once without a map's files

RECIPE.json is written by ``python -m benchmarks.job``: the splits, the encoder and the hyperparameters.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.job.parts import Parts


def main() -> None:
    parts = Parts()
    import numpy as np
    import torch
    from datasets import Dataset, disable_progress_bars, load_dataset
    from transformers import (
        AutoConfig,
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    parts("imports")
    disable_progress_bars()
    recipe = json.loads(Path(sys.argv[1]).read_text())
    tuned = "--tuned" in sys.argv
    set_seed(recipe["seed"])

    with tempfile.TemporaryDirectory() as cache:
        raw = load_dataset("json", data_files=recipe["files"], cache_dir=cache)
    parts("data")

    tokenizer = AutoTokenizer.from_pretrained(recipe["encoder"])

    def tokenise(texts: list[str]) -> dict[str, list[list[int]]]:
        return dict(tokenizer(texts, truncation=True, max_length=recipe["max_length"]))

    if tuned:
        splits = {}
        for name, split in raw.items():
            columns = tokenise(list(split["text"])) | {"label": list(split["label"])}
            if name != "train":  # in order of length, so that evaluation batches have little padding
                order = np.argsort([-len(ids) for ids in columns["input_ids"]], kind="stable")
                columns = {key: [values[row] for row in order] for key, values in columns.items()}
            splits[name] = Dataset.from_dict(columns)
    else:
        raw = raw.map(lambda rows: tokenise(rows["text"]), batched=True, load_from_cache_file=False)
        splits = {name: split.remove_columns("text") for name, split in raw.items()}
    parts("tokenising")

    config = AutoConfig.from_pretrained(recipe["encoder"], num_labels=2)
    if recipe["random"]:
        model = AutoModelForSequenceClassification.from_config(config)
    else:
        model = AutoModelForSequenceClassification.from_pretrained(recipe["encoder"], config=config)
    parts("model")

    expert = {
        "bf16": True,
        "bf16_full_eval": True,
        "per_device_eval_batch_size": 64,
        "train_sampling_strategy": "group_by_length",
        "save_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
    }
    with tempfile.TemporaryDirectory() as output:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=output,
                use_cpu=not torch.cuda.is_available(),
                seed=recipe["seed"],
                num_train_epochs=recipe["epochs"],
                per_device_train_batch_size=recipe["batch_size"],
                learning_rate=recipe["learning_rate"],
                weight_decay=recipe["weight_decay"],
                warmup_steps=recipe["warmup_ratio"],  # below 1: a share of the steps
                lr_scheduler_type="linear",
                report_to="none",
                **(expert if tuned else {}),
            ),
            train_dataset=splits["train"],
            eval_dataset=splits.get("dev"),
            data_collator=DataCollatorWithPadding(tokenizer),
            processing_class=tokenizer,
        )
        trainer.train()
        parts("training")
        errors, rows = {}, 0
        if "dev" in splits:
            trainer.evaluate()
        for name, split in splits.items():
            if name.startswith("test_"):
                answers = trainer.predict(split)
                wrong = answers.predictions.argmax(-1) != answers.label_ids
                errors[name.removeprefix("test_")] = float(wrong.mean())
                rows += len(split)
        parts("scoring")
        (Path(output) / "scores.json").write_text(json.dumps(errors))
    parts("writing")
    print(json.dumps({"parts": parts.seconds, "errors": errors}))


if __name__ == "__main__":
    main()
