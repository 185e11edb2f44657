"""The user's own files by name: one configuration for every way to type it, and no two files under one name."""

from __future__ import annotations

from typing import Any

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from tests.helpers.runs import composed

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.overrides import adapted
from sentiment_transfer.config.own_files import FILES, LANGUAGES, PACKED, WORKBOOKS
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.data.catalog import CSVConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.files import containers, dialect, records
from sentiment_transfer.sentences import describe


def typed(*overrides: str) -> DictConfig:
    return composed(*adapted(["experiment=tiny", *overrides]))


def refusal(*overrides: str) -> str:
    """What ``train.py`` answers."""
    with pytest.raises((UserError, HydraException)) as error:
        validate(typed(*overrides))
    return describe(error.value)


def of_targets(config: DictConfig) -> dict[str, tuple[Any, str]]:
    return {str(name): (target.path, target.language) for name, target in config.targets.items()}


@pytest.mark.parametrize(
    "same",
    [
        ("targets=shop_ja.csv",),
        ("targets=[shop_ja.csv]",),
        ("targets={shop_ja: shop_ja.csv}",),
        ("targets={shop_ja: {path: shop_ja.csv}}",),
        ("targets={shop_ja: {language: ja, path: shop_ja.csv}}",),
        ("targets=[{shop_ja: {path: shop_ja.csv, language: ja, kind: csv}}]",),
        ('targets="{shop_ja: {path: shop_ja.csv, language: ja}}"',),
        ("targets=none", "+targets.shop_ja.path=shop_ja.csv", "+targets.shop_ja.language=ja"),
        ("targets=none", "+dataset@targets.shop_ja=csv", "targets.shop_ja.path=shop_ja.csv",
         "targets.shop_ja.language=ja", "targets.shop_ja.test_fraction=1.0"),
    ],
)  # fmt: skip
def test_every_way_to_type_a_file_is_one_run(same: tuple[str, ...]) -> None:
    config = typed(*same)
    validate(config)
    assert OmegaConf.get_type(config.targets.shop_ja) is CSVConfig
    assert run_name(config) == run_name(typed("targets=shop_ja.csv"))
    assert config.targets.shop_ja.test_fraction == 1.0  # as targets=csv: all of it is scored


def test_a_file_that_is_named_csv_is_the_run_of_the_dataset_csv() -> None:
    before = ("targets=csv", "targets.csv.path=a.csv", "targets.csv.language=ja")
    assert run_name(typed("targets={csv: {path: a.csv, language: ja}}")) == run_name(typed(*before))


@pytest.mark.parametrize(
    ("value", "name", "language"),
    [
        ("reviews.ja.csv", "reviews_ja", "ja"),
        ("shop/reviews_de.tsv.gz", "reviews_de", "de"),
        ("/data/de.parquet", "de", "de"),
        ("../x/Shop-FR.JSONL", "Shop-FR", "fr"),
        ('"~/my reviews (1).id.csv"', "my_reviews_1_id", "id"),
        ("2024.ja.csv", "own_2024_ja", "ja"),
    ],
)
def test_a_files_name_gives_its_name_and_language(value: str, name: str, language: str) -> None:
    for group in ("source", "targets"):
        config = typed(f"{group}={value}")
        validate(config)
        assert list(config[group]) == [name]
        assert (config[group][name].path, config[group][name].language) == (value.strip('"'), language)


def test_files_mappings_and_datasets_may_be_mixed() -> None:
    config = typed("targets=[smsa_id, a/shop.ja.csv, {x: b/shop.ja.csv, jalan_ja: {classes: 2}}]", "source=en.csv")
    validate(config)
    assert list(config.targets) == ["smsa_id", "shop_ja", "x", "jalan_ja"]
    assert (config.source.en.test_fraction, config.targets.x.test_fraction) == (0.1, 1.0)
    assert config.targets.jalan_ja.splits == typed("targets=jalan_ja").targets.jalan_ja.splits


def test_every_option_of_a_file_is_its_own() -> None:
    config = typed(
        "targets={a: {path: a.ja.csv, text: body, labels: {good: positive, bad: negative, 3: null}}, b: b.de.csv}",
        "targets.b.label=stars", "targets.b.delimiter='\"'", "targets.b.quoted=false",
    )  # fmt: skip
    validate(config)
    assert config.targets.a.labels == {"good": "positive", "bad": "negative", 3: None}
    assert (config.targets.a.text, config.targets.b.text, config.targets.b.label) == ("body", "text", "stars")


@pytest.mark.parametrize(
    ("overrides", "answer"),
    [
        (["targets=[a/r_ja.csv,b/r_ja.csv]"], "targets.r_ja is named twice: leave one out or, if they are two files, "
         "give each a name of its own: 'targets={r_ja: one.csv, other: two.csv}'"),
        (["targets={r: a.ja.csv, r: b.ja.csv}"], "targets.r is named twice"),
        (["targets=[{r: a.ja.csv},{r: b.ja.csv}]"], "targets.r is named twice"),
        (["source=[r.en.csv,{r_en: b.en.csv}]"], "source.r_en is named twice"),
        (["targets={r: {path: a.ja.csv, path: b.ja.csv}}"], "has path twice"),
        (["source=r.en.csv", "targets={r_en: other.ja.csv}"], "are two files under one name"),
        (["targets=[x.ja.csv,{y: x.ja.csv}]"], "targets.y and targets.x_ja are the same dataset: leave one out."),
        (["targets=shop.csv"], "targets.shop.language is not set: type targets.shop.language="),
        (["targets={shop: {pth: a.csv}}"], "targets.shop.pth is not an option of this configuration. Did you mean "
         "targets.shop.path?"),
        (["targets=a.ja.csv", "targets.a_ja.lable=x"], "Did you mean targets.a_ja.label?"),
        (["targets={shop: {language: ja}}"], "targets.shop.path is not set. Type 'targets={shop: {path: reviews.csv"),
        (["targets={shop: {path: a.ja.csv, header: maybe}}"], "targets.shop.header=maybe is invalid: "),
        (["targets={shop: {path: a.ja.csv, dev_fraction: 2}}"], "targets.shop.dev_fraction=2.0 is invalid: it must be"),
        (["targets={shop: 3}"], "targets.shop=3 is neither a file nor its options."),
        (["targets={shop: {kind: cvs, path: a}}"], "kind=cvs is not a registered dataset."),
        (["targets={shop: {kind: amazon}}"], "Type kind: amazon_de, amazon_en, amazon_es, amazon_fr, amazon_ja or"),
        (['targets="{a b: c.csv}"'], "targets: a b is no name for a dataset."),
        (['targets="{a:"'], "targets={a: cannot be read"),
        (['targets="口コミ.csv"'], "no name can be made of it. Type one in front: 'targets={shop_ja: \"口コミ.csv\"}'"),
        (["targets=data/*.csv"], "no name can be made of it. Type one in front: 'targets={shop_ja: \"data/*.csv\"}'"),
        (["targets.shop.path=a.csv"], "targets.shop.path belongs to no dataset of this run. To add one of that name, "
         "type +targets.shop.path=..."),
        (["targets=a.ja.csv,b.ja.csv"], "for all of them in one run type 'targets=[a.ja.csv,b.ja.csv]'"),
        (["+targets.shop.path=a.csv", "+targets.shop.lnguage=ja"], "Did you mean targets.shop.language?"),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_answered_with_what_to_type(overrides: list[str], answer: str) -> None:
    assert answer in refusal(*overrides)


def test_what_a_refusal_says_to_type_is_taken() -> None:
    assert of_targets(typed('targets={shop_ja: "口コミ.csv"}')) == {"shop_ja": ("口コミ.csv", "ja")}
    assert of_targets(typed('targets={shop_ja: "data/*.csv"}')) == {"shop_ja": ("data/*.csv", "ja")}
    assert of_targets(typed("targets={r_ja: one.csv, other: {path: two.csv, language: ja}}"))["r_ja"][0] == "one.csv"


@pytest.mark.parametrize(
    "sweep",
    [
        "targets=a.ja.csv,b.de.csv",
        "targets={a: x.ja.csv},{b: {path: y.csv, language: de}}",
        'targets=[a.ja.csv],[{b: {path: "my file.csv", language: de}},written_id]',
        "+targets.own.path=a.csv,b.csv",
    ],
)
def test_files_are_swept_over(sweep: str) -> None:
    given = adapted([sweep, "+targets.own.language=ja"] if sweep.startswith("+") else [sweep])
    parsed = OverridesParser.create().parse_overrides(given)
    [jobs] = BasicSweeper.split_arguments(parsed, max_batch_size=None)
    configs = [composed("experiment=tiny", *adapted(job)) for job in jobs]
    for config in configs:
        validate(config)
    assert len({run_name(config) for config in configs}) == len(configs) == 2


def test_other_arguments_stay_as_they_are() -> None:
    same = ["-m", "seed=0,1", "targets=[smsa_id,indolem_id]", "labels={a: positive}", "+targets.smsa_id.limit=3",
            "--help", "targets={a: 口}", "targets.csv.labels={a: positive}"]  # fmt: skip
    assert adapted(same) == same


def test_the_experiment_with_own_files_composes() -> None:
    config = composed("experiment=own_files")
    validate(config)
    assert of_targets(config) == {"reviews_ja": ("shop/reviews.ja.csv", "ja"), "shop_de": ("shop/export.csv", "de")}
    assert config.targets.reviews_ja.labels == {"良い": "positive", "悪い": "negative"}
    assert list(config.source) == ["reviews_en"]


def test_the_endings_are_those_that_the_reader_knows() -> None:
    assert {*FILES} == {*dialect.DELIMITERS, *records.JSON_ENDINGS, *records.PARQUET_ENDINGS}
    assert {*PACKED} == {*containers.CODECS, containers.ZIP}
    assert WORKBOOKS == records.WORKBOOKS
    assert len(LANGUAGES) == 184 and {"ja", "id", "en", "no"} <= LANGUAGES
