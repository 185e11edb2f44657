"""The compiled kernels of ``kernels.c``: built once with the machine's C compiler, called on torch tensors.

Compiling takes two seconds and no headers but the compiler's own; the library is kept in the cache folder under the
hash of the source, the flags and the CPU. Without a compiler, whoever asks gets None and the reason.
"""

from __future__ import annotations

import ctypes
import logging
import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path

import torch
import xxhash
from filelock import FileLock
from torch import Tensor

log = logging.getLogger(__name__)

SOURCE = Path(__file__).with_name("kernels.c")
WIDE = ("-mprefer-vector-width=512",) if platform.machine() == "x86_64" else ()  # gcc takes 256 bits unless told
FLAGS = ("-O3", "-march=native", *WIDE, "-fopenmp", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")
BF16, F32, I64 = torch.bfloat16, torch.float32, torch.int64


class Unavailable(Exception):
    """Why there are no kernels on this machine."""


class Shape(ctypes.Structure):
    """What ``attend`` needs besides the arrays; strides are in elements from one row to the next."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("reviews", "heads", "width", "query_stride", "key_stride", "out_stride")),
        ("longest", ctypes.c_int64),
        ("scale", ctypes.c_float),
    )


def library(cache_dir: Path) -> ctypes.CDLL:
    """The kernels, built where they are not there yet. Raises Unavailable where that cannot be."""
    return _load(_built(cache_dir))


@cache
def _load(path: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise Unavailable(f"the compiled kernels {path} cannot be loaded ({error})") from error


def _built(cache_dir: Path) -> Path:
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("cc")
    if platform.system() != "Linux" or compiler is None:
        raise Unavailable("no C compiler was found (on Debian and Ubuntu: apt install gcc)")
    key = xxhash.xxh3_64_hexdigest("\n".join((SOURCE.read_text(), compiler, *FLAGS, _cpu())).encode())
    path = cache_dir.expanduser() / "kernels" / f"{key}.so"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if not path.exists():
                log.info("Compiling the packed encoder's kernels (once; about two seconds).")
                temporary = path.with_suffix(f".{os.getpid()}.tmp")
                command = [compiler, *FLAGS, str(SOURCE), "-o", str(temporary), "-lm"]
                done = subprocess.run(command, capture_output=True, text=True, timeout=120)
                if done.returncode:
                    raise Unavailable(
                        f"{compiler} cannot compile them ({(done.stderr.strip() or '?').splitlines()[0]})"
                    )
                temporary.replace(path)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"they cannot be built in {path.parent} ({error})") from error
    return path


def _cpu() -> str:
    """What -march=native depends on: a cache folder may be shared by machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return "".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))}))


def _at(tensor: Tensor, dtype: torch.dtype) -> ctypes.c_void_p:
    assert tensor.dtype == dtype and tensor.device.type == "cpu" and tensor.stride(-1) == 1, (tensor.dtype, dtype)
    return ctypes.c_void_p(tensor.data_ptr())


def _threshold(rate: float) -> ctypes.c_uint32:
    return ctypes.c_uint32(round(rate * 2**32))


class Kernels:
    """The functions of ``kernels.c`` on tensors; bf16 unless said otherwise, ``seed`` decides what dropout keeps."""

    def __init__(self, cache_dir: Path) -> None:
        self._library = library(cache_dir)

    def attend(
        self, spans: Spans, query: Tensor, key: Tensor, value: Tensor, seed: int, rate: float
    ) -> tuple[Tensor, Tensor]:
        """Context (queries, hidden) and log-sum-exps (queries, heads) float32 of ``query`` (queries, hidden) to ``key``
        and ``value``, rows of which may be slices of one tensor."""
        # Rows that belong to no review are never written, and must be finite.
        out = torch.zeros(query.shape, dtype=BF16)
        lse = torch.empty(len(query), spans.heads)
        self._library.attend(
            ctypes.byref(spans.shape(query, key, out)), _at(spans.query_starts, I64), _at(spans.key_starts, I64),
            _at(query, BF16), _at(key, BF16), _at(value, BF16), _at(out, BF16), _at(lse, F32),
            ctypes.c_uint64(seed), _threshold(rate),
        )  # fmt: skip
        return out, lse

    def attend_backward(
        self, spans: Spans, query: Tensor, key: Tensor, value: Tensor, lse: Tensor, grad: Tensor,
        grads: tuple[Tensor, Tensor, Tensor], seed: int, rate: float,
    ) -> None:  # fmt: skip
        """Fill ``grads`` of query, key and value, each laid out like what it is the gradient of."""
        self._library.attend_backward(
            ctypes.byref(spans.shape(query, key, grad)), _at(spans.query_starts, I64), _at(spans.key_starts, I64),
            _at(query, BF16), _at(key, BF16), _at(value, BF16), _at(lse, F32), _at(grad, BF16),
            *(_at(g, BF16) for g in grads), ctypes.c_uint64(seed), _threshold(rate),
        )  # fmt: skip

    def add_norm(
        self, residual: Tensor, y: Tensor, weight: Tensor, bias: Tensor, eps: float, seed: int, rate: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """norm(z) and z = residual + dropout(y), (rows, hidden); z's means and reciprocal deviations, (rows,)."""
        z, out = torch.empty_like(y), torch.empty_like(y)
        mean, rstd = torch.empty(len(y)), torch.empty(len(y))
        self._library.add_norm(
            ctypes.c_int64(len(y)), ctypes.c_int64(y.shape[1]), _at(residual, BF16), _at(y, BF16), _at(weight, F32),
            _at(bias, F32), ctypes.c_float(eps), _at(z, BF16), _at(out, BF16), _at(mean, F32), _at(rstd, F32),
            ctypes.c_uint64(seed), _threshold(rate),
        )  # fmt: skip
        return out, z, mean, rstd

    def add_norm_backward(
        self, grad: Tensor, z: Tensor, mean: Tensor, rstd: Tensor, weight: Tensor, seed: int, rate: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of the residual and of y (rows, hidden); and (3, hidden) float32: of weight, of bias, and y's
        summed over the rows."""
        grad_z, grad_y, sums = torch.empty_like(z), torch.empty_like(z), torch.zeros(3, z.shape[1])
        self._library.add_norm_backward(
            ctypes.c_int64(len(z)), ctypes.c_int64(z.shape[1]), _at(grad, BF16), _at(z, BF16), _at(mean, F32),
            _at(rstd, F32), _at(weight, F32), _at(grad_z, BF16), _at(grad_y, BF16),
            *(_at(row, F32) for row in sums), ctypes.c_uint64(seed), _threshold(rate),
        )  # fmt: skip
        return grad_z, grad_y, sums

    def mask(self, shape: tuple[int, ...], seed: int, rate: float) -> Tensor:
        """(shape) float32: 0 with a probability of ``rate``, else 1 / (1 - rate)."""
        out = torch.empty(shape)
        self._library.mask(ctypes.c_int64(out.numel()), _at(out, F32), ctypes.c_uint64(seed), _threshold(rate))
        return out

    def gelu_backward(self, x: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
        """x's gradient, written over ``grad``, and its sum over the rows (columns,) float32."""
        total = torch.zeros(x.shape[1])
        self._library.gelu_backward(
            ctypes.c_int64(len(x)), ctypes.c_int64(x.shape[1]), _at(x, BF16), _at(grad, BF16), _at(total, F32)
        )
        return grad, total


class Spans:
    """Which rows belong to which review, for queries and for keys: (reviews + 1,) int64 each."""

    def __init__(self, query_starts: Tensor, key_starts: Tensor, heads: int) -> None:
        self.query_starts, self.key_starts, self.heads = query_starts, key_starts, heads
        self.longest = int((key_starts[1:] - key_starts[:-1]).max())

    def shape(self, query: Tensor, key: Tensor, out: Tensor) -> Shape:
        width = query.shape[1] // self.heads
        strides = (query.stride(0), key.stride(0), out.stride(0))
        return Shape(len(self.key_starts) - 1, self.heads, width, *strides, self.longest, width**-0.5)
