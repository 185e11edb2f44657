"""The launcher's options, ``hydra.launcher.*``, and their registration as ``hydra/launcher=slots``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf


@dataclass
class Options:
    # Where jobs run
    gpus: Any = None  # null: all that are visible; a number of them; or a list of indices, UUIDs or MIG UUIDs
    gpus_per_job: int = 1  # each job sees a group of this size
    jobs_per_gpu: int = 1  # that share a GPU (or a group)
    cpu_slots: int | None = None  # jobs at once where there is no GPU; null: by cores and memory
    threads: int | None = None  # CPU threads of each job; null: OMP_NUM_THREADS, else the cores divided by the slots
    env: dict[str, str] = field(default_factory=dict)  # more variables for every job

    # What a job is: the contract with the program
    done_file: str = "result.json"  # a job is done where its directory has this file; written last, atomically
    # module:function of the program's. It is given a done job's directory, and returns a sentence where the result no
    # longer holds (a file that it was computed from has changed): the job fails with it. null: done jobs are skipped.
    outdated: str | None = None
    # module:function of the program's. It is given a done job's directory, and returns short texts that are shown
    # beside it, such as ["smsa_id 91.3 F1"]: as many as fit.
    scores: str | None = None
    # module:function of the program's. It is given the sweep's directory and a list of those of its done jobs, and
    # returns lines to be shown below all of them.
    closing: str | None = None
    value_key: str | None = None  # dotted key of the number in it (JSON) that is handed to a sweeper that optimises
    log_file: str = "job.log"  # output and errors of the job, in its directory
    # module:function of the program's. It is called with a job's arguments in a process of each slot, which then forks
    # for every job: what it imports is imported once. On Linux, for slots without a GPU. null: each job starts afresh.
    preload: str | None = None
    cost: float = 0.0  # evaluated in each job's configuration: the dearest begins first

    # When something goes wrong
    fail_fast: bool = False  # stop the sweep at the first failure
    stop_grace: float = 600.0  # seconds that jobs have to save when the sweep is stopped
    out_of_memory_exit_code: int = 77  # with which a job says that memory was short
    # Keys of a job's configuration, e.g. [trainer.micro_batch_size, trainer.batch_size]: such a job is tried again with
    # half the number of the first one that is set, as an override of the first key; until it is odd.
    out_of_memory_halves: list[str] = field(default_factory=list)
    stale_after: float = 120.0  # seconds without a heartbeat until another host's or container's claim is abandoned
    only: list[str] = field(default_factory=list)  # run no other jobs than these: directories below the sweep's


@dataclass
class SlotsLauncherConf(Options):
    _target_: str = "hydra_plugins.slots_launcher.launcher.SlotsLauncher"


@dataclass
class SlotsSweeperConf:
    _target_: str = "hydra_plugins.slots_launcher.launcher.SlotsSweeper"
    max_batch_size: int | None = None
    params: dict[str, str] | None = None


def register() -> None:
    store = ConfigStore.instance()
    launcher = OmegaConf.structured(SlotsLauncherConf)
    OmegaConf.set_struct(launcher.env, False)  # the variables' names are the user's: none needs a + in front
    store.store(group="hydra/launcher", name="slots", node=launcher, provider="slots_launcher")
    store.store(group="hydra/sweeper", name="slots", node=SlotsSweeperConf, provider="slots_launcher")
