"""The compiled kernels of ``kernels.c``: built once with the machine's C compiler, called on torch tensors.

Compiling takes two seconds and needs no headers other than the compiler's; the library is cached under the hash of the
source, the flags and the CPU, and its own: a damaged one is built again. It runs as code, so another user's is refused.
Without a compiler ``KernelsUnavailable`` says why, and the caller does without.
"""

from __future__ import annotations

import ctypes
import logging
import os
import platform
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import torch
import xxhash
from filelock import FileLock
from torch import Tensor

from sentiment_transfer.files.atomic import sync
from sentiment_transfer.files.checksums import digest
from sentiment_transfer.files.trust import FILE_MODE, FOLDER_MODE, OWN_CACHE, open_trusted, trusted_folder

log = logging.getLogger(__name__)

SOURCE = Path(__file__).with_name("kernels.c")
WIDE_VECTORS = ("-mprefer-vector-width=512",) if platform.machine() == "x86_64" else ()  # gcc's default is 256 bits
FLAGS = ("-O3", "-march=native", *WIDE_VECTORS, "-fopenmp", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")
BF16, F32, I64 = torch.bfloat16, torch.float32, torch.int64
Biases = tuple[Tensor, Tensor, Tensor]  # of query, key and value, (hidden,) float32 each


class KernelsUnavailable(Exception):
    """The kernels cannot be built or loaded on this machine; the message is the reason."""


class Shape(ctypes.Structure):
    """The sizes that ``attend`` takes besides the arrays; strides are in elements from one row to the next."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("reviews", "heads", "width", "query_stride", "key_stride", "out_stride")),
        ("longest", ctypes.c_int64),
        ("scale", ctypes.c_float),
    )


def load_library(cache_dir: Path) -> ctypes.CDLL:
    """The compiled kernels, built on first use. Raises KernelsUnavailable where there is no compiler, or it fails, and
    UserError where the cache is not the user's own."""
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("cc")
    if platform.system() != "Linux" or compiler is None:
        raise KernelsUnavailable("no C compiler was found (on Debian and Ubuntu: apt install gcc)")
    return _load(cache_dir.expanduser() / "kernels", compiler)


@cache
def _load(folder: Path, compiler: str) -> ctypes.CDLL:
    key = build_key(compiler)
    try:
        descriptor = _find(folder, key)
        if descriptor is None:
            descriptor = _build(folder, key, compiler)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KernelsUnavailable(f"they cannot be built in {folder} ({error})") from error
    try:
        # The very file that was looked at. It stays open: the loader knows a library by its name, and would take the
        # next one that is opened under this number for this one.
        return ctypes.CDLL(f"/proc/self/fd/{descriptor}")
    except OSError as error:
        raise KernelsUnavailable(f"the compiled kernels in {folder} cannot be loaded ({error})") from error


def _find(folder: Path, key: str) -> int | None:
    """A descriptor of the intact library in ``folder``; nothing is written, for the cache may be read-only."""
    if not folder.is_dir():
        return None
    with trusted_folder(folder, OWN_CACHE) as trusted:
        for name in sorted(os.listdir(trusted)):
            if checksum := re.fullmatch(rf"{key}-([0-9a-f]{{32}})\.so", name):
                with open_trusted(name, folder, trusted, OWN_CACHE) as file:
                    if digest(file) == checksum[1]:
                        return os.dup(file.fileno())
    return None


def _build(folder: Path, key: str, compiler: str) -> int:
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with trusted_folder(folder, OWN_CACHE), FileLock(folder / f"{key}.lock"):
        descriptor = _find(folder, key)  # another process may have built it while this one waited
        if descriptor is not None:
            return descriptor
        for damaged in folder.glob(f"{key}-*.so"):
            log.warning("The compiled kernels %s are damaged and are built again.", damaged)
            damaged.unlink()
        with tempfile.TemporaryDirectory(prefix=f"{key}.", dir=folder) as temporary:
            log.info("Compiling the packed encoder's kernels (once; about two seconds).")
            library = Path(temporary) / "library.so"
            command = [compiler, *FLAGS, str(SOURCE), "-o", str(library), "-lm"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            if done.returncode:
                reason = (done.stderr.strip() or "?").splitlines()[0]
                raise KernelsUnavailable(f"{compiler} cannot compile them ({reason})")
            library.chmod(FILE_MODE)
            sync(library)
            with library.open("rb") as file:
                os.replace(library, folder / f"{key}-{digest(file)}.so")
                sync(folder)
                return os.dup(file.fileno())


def build_key(compiler: str = "") -> str:
    """Hash of the source, the compiler and its flags, and the CPU."""
    return xxhash.xxh3_64_hexdigest("\n".join((SOURCE.read_text(), compiler, *FLAGS, _cpu())).encode())


def _cpu() -> str:
    """The CPU properties that -march=native depends on: machines may share a cache folder."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return "".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))}))


def _ptr(tensor: Tensor, dtype: torch.dtype) -> ctypes.c_void_p:
    assert tensor.dtype == dtype and tensor.device.type == "cpu" and tensor.stride(-1) == 1, (tensor.dtype, dtype)
    return ctypes.c_void_p(tensor.data_ptr())


def _threshold(rate: float) -> ctypes.c_uint32:
    return ctypes.c_uint32(round(rate * 2**32))


class Kernels:
    """The functions of ``kernels.c`` on CPU tensors, bf16 unless stated otherwise.

    ``rate`` is the dropout rate, and ``seed`` determines the elements that are kept. Raises KernelsUnavailable.
    """

    def __init__(self, cache_dir: Path) -> None:
        self._library = load_library(cache_dir)

    def attend(
        self, spans: ReviewSpans, query: Tensor, key: Tensor, value: Tensor, biases: Biases, seed: int, rate: float
    ) -> tuple[Tensor, Tensor]:
        """The context (queries, hidden) and the log-sum-exps (queries, heads) float32 of ``query`` (queries, hidden)
        over ``key`` and ``value`` (rows, hidden), which may be slices of one tensor; ``biases`` are added to each."""
        out = spans.zeros_after(torch.empty(query.shape, dtype=BF16), spans.query_starts)
        lse = torch.empty(len(query), spans.heads)
        self._library.attend(
            ctypes.byref(spans.shape(query, key, out)), _ptr(spans.query_starts, I64), _ptr(spans.key_starts, I64),
            _ptr(query, BF16), _ptr(key, BF16), _ptr(value, BF16), *(_ptr(b, F32) for b in biases), _ptr(out, BF16),
            _ptr(lse, F32), ctypes.c_uint64(seed), _threshold(rate),
        )  # fmt: skip
        return out, lse

    def attend_backward(
        self, spans: ReviewSpans, query: Tensor, key: Tensor, value: Tensor, biases: Biases, lse: Tensor, grad: Tensor,
        seed: int, rate: float,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """The gradients of query, and of key and value as one (rows, 2 * hidden), whose halves those must be too."""
        assert key.stride(0) == value.stride(0) == 2 * key.shape[1]
        grad_query = spans.zeros_after(torch.empty_like(query), spans.query_starts)
        both = torch.empty(len(key), 2 * key.shape[1], dtype=BF16)
        grad_key, grad_value = spans.zeros_after(both, spans.key_starts).chunk(2, -1)
        self._library.attend_backward(
            ctypes.byref(spans.shape(query, key, grad)), _ptr(spans.query_starts, I64), _ptr(spans.key_starts, I64),
            _ptr(query, BF16), _ptr(key, BF16), _ptr(value, BF16), *(_ptr(b, F32) for b in biases), _ptr(lse, F32),
            _ptr(grad, BF16), _ptr(grad_query, BF16), _ptr(grad_key, BF16), _ptr(grad_value, BF16),
            ctypes.c_uint64(seed), _threshold(rate),
        )  # fmt: skip
        return grad_query, both

    def add_norm(
        self, residual: Tensor, y: Tensor, y_bias: Tensor, weight: Tensor, bias: Tensor, eps: float, seed: int,
        rate: float,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
        """norm(z) and z = residual + dropout(y + y_bias), both (rows, hidden); z's means and reciprocal standard
        deviations, (rows,) float32."""
        z, out = torch.empty_like(y), torch.empty_like(y)
        mean, rstd = torch.empty(len(y)), torch.empty(len(y))
        self._library.add_norm(
            ctypes.c_int64(len(y)), ctypes.c_int64(y.shape[1]), _ptr(residual, BF16), _ptr(y, BF16), _ptr(y_bias, F32),
            _ptr(weight, F32), _ptr(bias, F32), ctypes.c_float(eps), _ptr(z, BF16), _ptr(out, BF16), _ptr(mean, F32),
            _ptr(rstd, F32), ctypes.c_uint64(seed), _threshold(rate),
        )  # fmt: skip
        return out, z, mean, rstd

    def add_norm_backward(
        self, grad: Tensor, z: Tensor, mean: Tensor, rstd: Tensor, weight: Tensor, seed: int, rate: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of the residual and of y, (rows, hidden); and (3, hidden) float32: those of weight and bias, and
        y's summed over the rows."""
        grad_z, grad_y, sums = torch.empty_like(z), torch.empty_like(z), torch.zeros(3, z.shape[1])
        self._library.add_norm_backward(
            ctypes.c_int64(len(z)), ctypes.c_int64(z.shape[1]), _ptr(grad, BF16), _ptr(z, BF16), _ptr(mean, F32),
            _ptr(rstd, F32), _ptr(weight, F32), _ptr(grad_z, BF16), _ptr(grad_y, BF16),
            *(_ptr(row, F32) for row in sums), ctypes.c_uint64(seed), _threshold(rate),
        )  # fmt: skip
        return grad_z, grad_y, sums

    def mask(self, shape: tuple[int, ...], seed: int, rate: float) -> Tensor:
        """A dropout mask of ``shape``, float32: 0 with probability ``rate``, else 1 / (1 - rate)."""
        out = torch.empty(shape)
        self._library.mask(ctypes.c_int64(out.numel()), _ptr(out, F32), ctypes.c_uint64(seed), _threshold(rate))
        return out

    def gelu(self, x: Tensor, bias: Tensor) -> Tensor:
        """GELU of x + bias, (rows, columns)."""
        out = torch.empty_like(x)
        sizes = ctypes.c_int64(len(x)), ctypes.c_int64(x.shape[1])
        self._library.gelu(*sizes, _ptr(x, BF16), _ptr(bias, F32), _ptr(out, BF16))
        return out

    def gelu_backward(self, x: Tensor, bias: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient of x, written over ``grad``, and its sum over the rows (columns,) float32."""
        total = torch.zeros(x.shape[1])
        self._library.gelu_backward(
            ctypes.c_int64(len(x)),
            ctypes.c_int64(x.shape[1]),
            _ptr(x, BF16),
            _ptr(bias, F32),
            _ptr(grad, BF16),
            _ptr(total, F32),
        )
        return grad, total


class ReviewSpans:
    """The rows of each review among the queries and among the keys: offsets, (reviews + 1,) int64 each."""

    def __init__(self, query_starts: Tensor, key_starts: Tensor, heads: int) -> None:
        self.query_starts, self.key_starts, self.heads = query_starts, key_starts, heads
        self.longest = int((key_starts[1:] - key_starts[:-1]).max())

    @staticmethod
    def zeros_after(rows: Tensor, starts: Tensor) -> Tensor:
        """``rows`` with zeros in those that belong to no review: the kernels do not write them, and all must be
        finite."""
        rows[int(starts[-1]) :] = 0
        return rows

    def shape(self, query: Tensor, key: Tensor, out: Tensor) -> Shape:
        width = query.shape[1] // self.heads
        strides = (query.stride(0), key.stride(0), out.stride(0))
        return Shape(len(self.key_starts) - 1, self.heads, width, *strides, self.longest, width**-0.5)
