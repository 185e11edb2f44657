"""Runs that differ in optimiser or loss: rows that are named as the options are typed."""

from __future__ import annotations

from copy import deepcopy

from tests.helpers.example_result import example_result

from sentiment_transfer.report.analysis.entries import group_runs, make_entries


def test_rows_are_named_by_optimiser_and_loss() -> None:
    plain = example_result()
    plain["config"].setdefault("optimizer", {}).update({"learning_rate": 1e-4, "beta1": 0.9})
    sgd, focal = deepcopy(plain), deepcopy(plain)
    sgd["config"]["optimizer"] = {"_target_": "torch.optim.SGD", "learning_rate": 1e-4, "momentum": 0.9}
    focal["config"]["loss"] = {"_target_": "sentiment_transfer.model.losses.FocalLoss", "gamma": 2.0}
    own = deepcopy(plain)
    own["config"]["loss"] = {"_target_": "my_loss.hinge", "margin": 0.5}
    named = [entry.name for entry, _ in make_entries(group_runs([plain, sgd, focal, own]))]
    ends = {name.partition("(")[2].rstrip(")") for name in named}
    assert ends == {
        "optimizer=adamw, loss=cross_entropy",
        "optimizer=sgd, loss=cross_entropy",
        "optimizer=adamw, loss=focal",
        "optimizer=adamw, loss=my_loss.hinge",
    }
