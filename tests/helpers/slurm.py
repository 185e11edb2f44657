"""A SLURM cluster of one node, this machine, for as long as a test needs it: Debian's slurm-wlm and munge, as root.

    apt-get install slurm-wlm munge

Everything it writes is in a folder of its own, on ports of its own; nothing of /etc/slurm is read.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "munged", "mungekey", "sbatch", "runuser")

CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=2
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SchedulerParameters=sched_interval=2
MailProg=/bin/true
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Why no cluster can be started here; empty where one can."""
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        return f"SLURM cannot be started here: no {', '.join(missing)} (apt-get install slurm-wlm munge)"
    return "" if os.geteuid() == 0 else "SLURM cannot be started here: only root can"


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which ``sbatch`` and the others find the cluster. ``folder`` must be open to all users."""
    munge = folder / "munge"
    for path in (folder, munge, folder / "state", folder / "spool"):
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)
    shutil.chown(munge, "munge", "munge")
    conf = folder / "slurm.conf"
    host = socket.gethostname()
    conf.write_text(CONF.format(host=host, folder=folder, ports=free_ports(2), cpus=os.cpu_count()))
    environment = {"SLURM_CONF": str(conf)}
    as_munge = ["runuser", "-u", "munge", "--"]
    subprocess.run([*as_munge, "mungekey", "--create", f"--keyfile={munge}/key"], check=True)
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    options = [f"--{option}={munge}/{name}" for option, name in files.items()]
    commands = [
        [*as_munge, "munged", "--foreground", *options],
        ["slurmctld", "-D", "-c", "-f", str(conf)],
        ["slurmd", "-D", "-c", "-f", str(conf), "-N", host],
    ]
    with (folder / "daemons.log").open("wb") as log:
        daemons = []
        try:
            for command in commands:
                daemons.append(subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=log))
                time.sleep(1)
            wait_until_idle(environment, folder)
            yield environment
        finally:
            empty_queue(environment)
            for daemon in reversed(daemons):
                daemon.terminate()
                try:
                    daemon.wait(20)
                except subprocess.TimeoutExpired:
                    daemon.kill()
                    daemon.wait()


def wait_until_idle(environment: dict[str, str], folder: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while "idle" not in slurm(environment, "sinfo", "-h", "-o", "%T"):
        if time.monotonic() > deadline:
            logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in folder.glob("*.log"))
            raise AssertionError(f"the node does not come up:\n{logs}")
        time.sleep(0.5)


def empty_queue(environment: dict[str, str], seconds: float = 60) -> None:
    """End every job while there is still a controller to end it: a step's own processes would stay."""
    slurm(environment, "scancel", "--full", "--signal=KILL", "--user=root")
    slurm(environment, "scancel", "--user=root")
    deadline = time.monotonic() + seconds
    while slurm(environment, "squeue", "-h").strip() and time.monotonic() < deadline:
        time.sleep(0.5)


def slurm(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
    return done.stdout + done.stderr
