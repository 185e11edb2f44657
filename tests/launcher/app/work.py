"""A small program of somebody else's, as the launcher's tests run it: it counts, saves, and goes on where it was.

    python work.py steps=3 seed=1
    python work.py -m seed=0,1,2

What it does wrong on request: ``fail_at`` (a step), ``memory`` (units it needs; a machine has 8), ``code``.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

stop = []


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    temporary.write_text(json.dumps(content))
    os.replace(temporary, path)


def key(config: DictConfig) -> str:
    plain = {k: v for k, v in OmegaConf.to_container(config).items() if k not in ("hydra", "split", "delay")}  # type: ignore[union-attr]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:8]


OmegaConf.register_new_resolver("job_key", lambda *, _root_: f"work-{_root_.seed}-{key(_root_)}")


@hydra.main(version_base="1.3", config_path="conf", config_name="work")
def main(config: DictConfig) -> None:
    folder = Path(HydraConfig.get().runtime.output_dir)
    with (folder.parent / "starts.txt").open("a") as file:
        file.write(f"{folder.name}\n")
    state = folder / "state.json"
    step, number = json.loads(state.read_text()) if state.exists() else (0, config.seed)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda signum, _: stop.append(signum))
    if config.memory / config.split > 8:
        print("out of memory")
        sys.exit(77)
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


if __name__ == "__main__":
    main()
