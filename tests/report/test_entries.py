"""Runs of one configuration are one entry, whatever their seed, fold and place."""

from __future__ import annotations

from typing import Any

from tests.helpers.example_result import example_result

from sentiment_transfer.report.analysis.entries import family, group_runs, make_entries


def test_where_a_run_was_written_does_not_split_a_group() -> None:
    moved: dict[str, Any] = {"paths": {"output_dir": "elsewhere"}, "logger": {"wandb": True}}
    assert len(group_runs([example_result(seed=0), example_result(seed=1, config=moved)])) == 1


def test_another_setting_is_another_group() -> None:
    faster: dict[str, Any] = {"optimizer": {"learning_rate": 1e-3}}
    assert len(group_runs([example_result(), example_result(config=faster)])) == 2


def test_folds_of_a_seed_are_its_runs() -> None:
    runs = [example_result({"indolem_id": 0.2}, source="indolem_id", seed=s, fold=f) for s in (1, 0) for f in (1, 0)]
    [group] = group_runs(runs)
    assert {seed: len(of_seed) for seed, of_seed in group.seeds.items()} == {0: 2, 1: 2}
    assert [run["run_id"][-1] for run in group.seeds[0]] == ["0", "1"]


def test_entries_are_in_order_of_source_then_size() -> None:
    large, small, other = (example_result(model=m) for m in ("a", "b", "c"))
    large["model"]["parameters"] = 10**9
    other["source"]["names"] = ["amazon_en"]
    assert [entry.model for entry, _ in make_entries(group_runs([large, small, other]))] == ["c", "b", "a"]


def test_label_and_collapse_of_any_run_is_the_entrys() -> None:
    runs = [example_result(seed=0), example_result(seed=1, status="degenerate", caveats=("random weights",))]
    [(entry, _)] = make_entries(group_runs(runs))
    assert entry.degenerate_seeds == (1,)
    assert entry.caveats == ("trained from scratch", "language model trained here", "random weights")


def test_family_is_by_encoder() -> None:
    def of(encoder: str, weights: str = "pretrained") -> str:
        run = example_result()
        run["model"] |= {"encoder": encoder, "weights": weights}
        return family(run)

    assert of("FacebookAI/xlm-roberta-base") == of("facebook/xlm-roberta-xxl") == "XLM-R"
    assert of("FacebookAI/xlm-roberta-base", "random") == "XLM-R, random weights"
    assert (of("builtin:scratch"), of("builtin:ulmfit")) == ("scratch", "built-in")
    assert of("cardiffnlp/twitter-xlm-roberta-base") == of("/models/mine") == ""
