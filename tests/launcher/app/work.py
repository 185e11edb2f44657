"""A small program of somebody else's, as the launcher's tests run it: it counts, saves, and goes on where it was.

    python work.py steps=3 seed=1
    python work.py -m seed=0,1,2

What it does wrong on request: ``fail_at`` (a step), ``memory`` (units it needs; a machine has 8), ``code``,
``children`` (one that it leaves behind).
With QUICK=1 in the environment a plain run reads its arguments itself: importing Hydra is most of what it would do.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

stop: list[int] = []


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    temporary.write_text(json.dumps(content))
    os.replace(temporary, path)


def work(config: Any, folder: Path) -> None:
    with (folder.parent / "starts.txt").open("a") as file:
        file.write(f"{folder.name}\n")
    state = folder / "state.json"
    step, number = json.loads(state.read_text()) if state.exists() else (0, config.seed)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda signum, _: stop.append(signum))
    if config.memory * (config.at_once or config.batch) / config.batch > 8:
        print("out of memory")
        sys.exit(77)
    if config.children:
        subprocess.Popen(["sleep", "1000"], env={"OF": str(folder)})
    while step < config.steps:
        if step == config.fail_at:
            print(f"step {step} cannot be done")
            sys.exit(config.code)
        time.sleep(config.delay)
        number = (number * 6364136223846793005 + 1442695040888963407) % 2**64
        step += 1
        write(state, (step, number))
        if path := os.environ.get("SLOTS_PROGRESS"):
            write(Path(path), {"done": step / config.steps, "text": f"step {step}/{config.steps}"})
        if stop:
            print(f"saved at step {step}")
            sys.exit(128 + stop[0])
    with (folder.parent / "ends.txt").open("a") as file:
        file.write(f"{folder.name}\n")
    shown = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MARK")
    environment = {name: os.environ.get(name) for name in shown}
    write(folder / "result.json", {"number": number, "score": {"value": config.seed}, "environment": environment})


def read_arguments() -> None:
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    folder = Path(given.pop("hydra.run.dir").strip("'"))
    folder.mkdir(parents=True, exist_ok=True)
    conf = (Path(__file__).parent / "conf" / "work.yaml").read_text().partition("_self_")[2].partition("hydra:")[0]
    values = dict(line.split(": ") for line in conf.split("\n") if line) | given
    work(SimpleNamespace(**{k: json.loads(v) for k, v in values.items() if "." not in k}), folder)


def with_hydra() -> None:
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import DictConfig, OmegaConf

    def key(config: DictConfig) -> str:
        plain = {k: v for k, v in OmegaConf.to_container(config).items() if k not in ("hydra", "at_once", "delay")}  # type: ignore[union-attr]
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:8]

    OmegaConf.register_new_resolver("job_key", lambda *, _root_: f"work-{_root_.seed}-{key(_root_)}")

    @hydra.main(version_base="1.3", config_path="conf", config_name="work")
    def main(config: DictConfig) -> None:
        work(config, Path(HydraConfig.get().runtime.output_dir))

    main()


if __name__ == "__main__":
    read_arguments() if os.environ.get("QUICK") and "-m" not in sys.argv else with_hydra()
