"""Complaints of Hydra and OmegaConf as sentences that say what to type."""

from __future__ import annotations

import dataclasses
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.errors import HydraException, OverrideParseException
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException
from yaml import YAMLError

from sentiment_transfer.commands import installing
from sentiment_transfer.config import (
    logger_options,
    model_options,
    objective_options,
    program_options,
    schema,
    training_options,
)
from sentiment_transfer.config.checks import suggestion
from sentiment_transfer.config.dataset import datasets
from sentiment_transfer.config.logger_overrides import options_without_logger
from sentiment_transfer.config.overrides import ambiguous_override, refused_override
from sentiment_transfer.config.own_files import twice
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.suggestions import (
    elsewhere,
    model_called,
    near,
    not_an_option,
    option_of,
    unknown_as_well,
)
from sentiment_transfer.errors import UserError
from sentiment_transfer.experiments.checked import sentence_on_yaml
from sentiment_transfer.files.atomic import sentence_of

# What Hydra says is missing where an optional launcher or sweeper is asked for -> the extra that has it.
NO_PLUGIN = "Unknown plugin class"  # Hydra 1.3's RuntimeError, for a launcher
EXTRAS = {"hydra/launcher/submitit": "slurm", "hydra_ray_launcher": "ray", "hydra/sweeper/optuna": "optuna"}
GROUP_IS_NULL = "Config group override must be a string or a list"  # Hydra 1.3's ValueError for model=null
OF_OPTIONS = ("Only one of --run", "The --resolve flag can only")  # Hydra 1.3's ValueErrors
NODE_IS_NULL = "Unexpected type for root: NoneType"  # OmegaConf 2.3, for logger.wandb.project where there is no wandb
UNTYPED = (ValueError, RuntimeError, AssertionError)  # what Hydra and OmegaConf raise besides their own
COMPLAINTS = (HydraException, OmegaConfBaseException, YAMLError, *UNTYPED)


def is_complaint(error: Exception) -> bool:
    """Whether ``describe`` has a sentence for it: what Hydra raises of its own classes, and what is known of others."""
    known = (GROUP_IS_NULL, NO_PLUGIN, NODE_IS_NULL, *OF_OPTIONS)
    typed = not isinstance(error, UNTYPED) or isinstance(error, InterpolationKeyError)
    return typed or any(text in str(error) for text in known)


def describe(error: Exception, command: type[Any] = Config, arguments: Sequence[str] | None = None) -> str:
    """The error as sentences; for an unknown key, with the one to type, of those in the command's schema.

    ``arguments``: those of the command, by default of this process.
    """
    text, arguments = str(error), sys.argv[1:] if arguments is None else arguments
    if isinstance(error, UserError):
        return text
    if isinstance(error, YAMLError):
        return sentence_on_yaml(error)
    if isinstance(error, OSError) and not isinstance(error, HydraException):
        # Hydra's, while it makes the run's directory: what comes later is told apart in run.py.
        return sentence_of(error, Path(error.filename or "the run's directory"))
    for plugin, extra in EXTRAS.items():
        if plugin in text:
            return f"This needs a package that is not installed: {installing(extra)}."
    if isinstance(error, OverrideParseException) and (sentence := refused_override(str(error.override), command)):
        return sentence
    if several := re.search(r"Ambiguous value for argument '(.*)'$", text.partition("\n")[0]):
        return ambiguous_override(several[1])
    if NODE_IS_NULL in text and (sentence := options_without_logger(arguments)):
        return sentence
    if GROUP_IS_NULL in text:
        return "model, source and targets cannot be null: choose an option of each (see --help), e.g. targets=none."
    if absent := re.match(r"Interpolation key '(.+)' not found(?:\s+full_key: (\S+))?", text):
        nearest = near(absent[1], command) or ""
        if nearest == f" Did you mean {absent[1]}?":  # of --cfg hydra, which leaves the run's options out
            nearest = " Type --cfg all."
        return (
            f"{absent[2] or 'A value'} is ${{{absent[1]}}}, and there is no {absent[1]} in this configuration.{nearest}"
        )
    if text.startswith(OF_OPTIONS):
        return f"{text.rstrip('.')}: leave the others out."
    if found := re.search(r"dataset@(source|targets)\.([\w-]+) appears more than once", text):
        return twice(found[1], found[2])
    if missed := re.search(r"Could not find 'model/([^']+)'", text):
        if model := model_called(missed[1]):
            return f"model={missed[1]} does not exist. Type model={model}."
        if "/" in missed[1]:
            return (
                f"model={missed[1]} does not exist. For an encoder of the hub or a folder, type model=local "
                f"model.encoder={missed[1]}."
            )
    if missed := re.search(r"Could not find '([\w./-]+)/([^'/]+)'\s+Available options in '\1':\n((?:\t.+\n?)+)", text):
        return f"{missed[1]}={missed[2]} does not exist.{suggestion(missed[2], missed[3].split())}"
    if refused := _within_a_file(error, command):
        return refused
    if several := re.match(r"Multiple values for ([\w@./-]+)\. To override", text):
        return f"{several[1]} has an option already: leave out the + in front of {several[1]}=..., which replaces it."
    if several := re.match(r"([\w@./-]+) appears more than once in the final defaults list", text):
        group = several[1]
        return f"{group} is chosen more than once: in an experiment's defaults list, write - override /{group}: ..."
    if text.startswith("Error merging override"):
        override, reason = text.splitlines()[0].removeprefix("Error merging override "), str(error.__cause__)
        return f"{override} is invalid: {reason.splitlines()[0]}."
    if unknown := re.search(r"Could not override '([\w.@/+-]+)'", text):
        if added := re.fullmatch(r"(?:source|targets)\.[\w-]+\.(?:path|repository)", unknown[1]):
            return f"{added[0]} belongs to no dataset of this run. To add one of that name, type +{added[0]}=..."
        key, known = unknown[1], _known_keys(unknown[1], error)
        for argument in arguments:  # a file's name with = in it
            if argument.startswith(f"{key}=") and (option := option_of(argument, command)):
                return not_an_option(argument, f" Type {shlex.quote(f'{option}={argument}')}.")
        typed = re.search(rf"use \+{re.escape(key)}=(.*)$", text, re.MULTILINE)
        nearest = suggestion(key if "." in known[0] else key.partition(".")[0], known)
        if not nearest.startswith(" Did you mean"):
            nearest = near(key, command) or nearest
        better = elsewhere(key, typed[1] if typed else "...", command)
        others = unknown_as_well(arguments, key, command)
        return "\n".join([not_an_option(key, better or nearest), *others])
    return re.sub(r"\n\s*(full_key|reference_type|object_type)[^\n]*", "", text).split("\nConfig search path")[0]


def _within_a_file(error: Exception, command: type[Any]) -> str | None:
    """The sentence for an option of a configuration file, which Hydra refuses in it."""
    within = re.match(r"In '([\w/.-]+)': (\w+) raised while composing config:\n(.*)", str(error))
    if within is None:
        return None
    file, kind, reason = within.groups()
    full = re.search(r"^\s*full_key: (.+)$", str(error), re.MULTILINE)
    key = full[1] if full else "a value"
    if kind != "ConfigKeyError":
        return f"{file}.yaml: {key} is invalid: {reason.rstrip('.')}."
    meant = (elsewhere(key, "...", command) or "").replace("Type ", "Did you mean ").replace("=....", "?")
    return (
        f"{file}.yaml: {key} is not an option of this configuration.{meant or suggestion(key, _known_keys(key, error))}"
    )


def _known_keys(key: str, error: Exception) -> list[str]:
    """Full names of the options that stand where ``key`` tried to: Hydra's message names their schema."""
    named = re.search(r"not in '(\w+)'", f"{error} {error.__cause__}")
    groups = (schema, model_options, objective_options, training_options, logger_options, program_options)
    schemas: dict[str, Any] = {name: each for module in groups for name, each in vars(module).items()}
    schemas |= {each.config.__name__: each.config for each in datasets().values()}
    owner = schemas.get(named[1], Config) if named else Config
    where = key.rpartition(".")[0] + "." if "." in key and owner is not Config else ""
    return [where + f.name for f in dataclasses.fields(owner)]
