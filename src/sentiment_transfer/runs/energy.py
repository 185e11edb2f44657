"""Energy that was used while a run computed, where the machine can tell: an estimate of the whole machine's share.

Processors: the RAPL counters that Linux shows under /sys/class/powercap (Intel and AMD; many systems let only root read
them). They count every process on the machine and wrap around, after about an hour at 70 W, so a thread reads them
often. Accelerators: NVML's total energy counter (Volta and newer), through the package nvidia-ml-py where it is there;
not verified on one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
EVERY = 30.0  # seconds between readings: a counter wraps after 8 minutes at the earliest (262 kJ at 500 W)


class EnergyMeter:
    """Joules since it was made, of the processors and, for ``kind`` cuda, of the accelerators that torch sees."""

    def __init__(self, kind: str, powercap: Path = POWERCAP) -> None:
        self._lock = threading.Lock()
        # Packages are intel-rapl:0, :1, ...; intel-rapl:0:0 is a part of one, which it already counts.
        self._zones = [zone for zone in sorted(powercap.glob("intel-rapl:*")) if zone.name.count(":") == 1]
        self._last = {zone: _read(zone / "energy_uj") for zone in self._zones}
        self._range = {zone: _read(zone / "max_energy_range_uj") for zone in self._zones}
        self._processors = 0.0
        self._cuda = kind == "cuda"
        self._accelerators = _accelerators_joules() if self._cuda else None

    def update(self) -> None:
        """Add what the processors used since the last reading; a counter below its last value has wrapped once."""
        with self._lock:
            self._add()

    def _add(self) -> None:
        for zone in self._zones:
            now, last, span = _read(zone / "energy_uj"), self._last[zone], self._range[zone]
            if now is not None and last is not None and span is not None:
                self._processors += ((now - last) if now >= last else (now + span - last)) / 1e6
                self._last[zone] = now

    @property
    def joules(self) -> float | None:
        """None where nothing can be read."""
        self.update()
        known = [value for value in self._last.values() if value is not None]
        processors = self._processors if known else None
        before, after = self._accelerators, _accelerators_joules() if self._cuda else None
        accelerators = None if before is None or after is None else after - before
        parts = [part for part in (processors, accelerators) if part is not None]
        return sum(parts) if parts else None


@contextmanager
def metered(kind: str, every: float = EVERY, powercap: Path = POWERCAP) -> Iterator[EnergyMeter]:
    """A meter that is read often enough while the block runs."""
    meter, done = EnergyMeter(kind, powercap), threading.Event()

    def read() -> None:
        while not done.wait(every):
            meter.update()

    thread = threading.Thread(target=read, name="energy", daemon=True)
    thread.start()
    try:
        yield meter
    finally:
        done.set()
        thread.join()


def _read(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _accelerators_joules() -> float | None:
    """Since the driver was loaded, of the accelerators that torch sees: NVML itself sees those of other runs too."""
    try:
        import pynvml
    except ImportError:
        return None
    import torch

    try:
        pynvml.nvmlInit()
        uuids = [f"GPU-{torch.cuda.get_device_properties(i).uuid}" for i in range(torch.cuda.device_count())]
        handles = [pynvml.nvmlDeviceGetHandleByUUID(uuid) for uuid in uuids]
        return sum(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) for handle in handles) / 1e3
    except pynvml.NVMLError:
        return None
