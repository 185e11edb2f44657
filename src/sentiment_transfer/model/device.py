"""Choice of the device and the precision."""

from __future__ import annotations

import functools
import logging

import torch

from sentiment_transfer.errors import UserError

log = logging.getLogger(__name__)


def choose_accelerator(wanted: str, option: str = "trainer.accelerator") -> str:
    """``cpu``, ``cuda`` or ``mps``. Raises UserError, which names the ``option``, if the machine has no such device."""
    has = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if has[name])
    if wanted == "gpu":
        wanted = "cuda"
    if not has[wanted]:
        raise UserError(
            f"{option}={wanted} is not available: torch {torch.__version__} found no such device. Use "
            f"{option}=cpu, or install the torch build for it."
        )
    return wanted


def choose_precision(wanted: str, accelerator: str) -> str:
    """``auto``: bf16 where the device multiplies in it, else fp32. Warns of bf16 on a CPU that does not."""
    if wanted != "auto":
        if wanted.startswith("bf16") and accelerator == "cpu" and not cpu_multiplies_in_bf16():
            warn_of_slow_bf16(wanted)
        return wanted
    if accelerator == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    return "bf16-mixed" if accelerator == "cpu" and cpu_multiplies_in_bf16() else "32-true"


def cpu_multiplies_in_bf16() -> bool:
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


@functools.cache  # once per process: several parts of a run choose their precision
def warn_of_slow_bf16(wanted: str) -> None:
    log.warning(
        "precision %s: this CPU has no instructions for bf16, and training in it took 15 times as long as in fp32 "
        "where that was measured. Leave the option at auto, which takes fp32 here.",
        wanted,
    )


# A CPU gains nothing by larger batches: from 32 MB on, glibc gets every block from the kernel anew, page by page. With
# XLM-R base, 16,384 tokens at once take 4 % longer than four times 4,096; with multilingual E5 small 9 %.
CPU_BATCH_TOKENS = 4_096


def scoring_tokens(wanted: int, accelerator: str) -> int:
    """Tokens computed at once where no gradient is needed: at most ``wanted``."""
    return min(wanted, CPU_BATCH_TOKENS) if accelerator == "cpu" else wanted
