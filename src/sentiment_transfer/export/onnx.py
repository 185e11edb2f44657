"""The network as an ONNX graph: token ids and mask of a padded batch in, logits out; any batch size, any length."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sentiment_transfer.commands import installing
from sentiment_transfer.errors import UserError
from sentiment_transfer.export.card.scores import FP32, INT8
from sentiment_transfer.files.hub_errors import first_line

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from transformers import PreTrainedModel

INPUTS = ("input_ids", "attention_mask")
# One scale per column loses less. Seven bits instead of eight, because processors without VNNI add two products in 16
# bits, which eight would overflow: on 6,000 reviews and a small encoder they gave the same labels as often (99.5 %).
QUANTISED: dict[str, Any] = {"per_channel": True, "reduce_range": True}
ONE_FILE = 1_900_000_000  # bytes; protobuf holds 2 GiB, and what is larger keeps its weights in a file beside


def refuse_without_packages() -> None:
    """Raises UserError where what onnx=true needs is not installed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"onnx=true needs the package {error.name}, which is not installed: {installing('onnx')}, "
            "or leave onnx=true out."
        ) from None


def write_onnx(network: PreTrainedModel, folder: Path, *, int8: bool) -> list[str]:
    """Write the graph, and with ``int8`` a dynamically quantised one beside it; returns the files' names in ``folder``.

    Both through transformers' own exporter: it knows what torch.onnx.export stumbles over in its architectures. Raises
    UserError for an architecture that it cannot convert.
    """
    from torch.export import Dim
    from transformers.exporters import OnnxConfig, OnnxExporter, OnnxRuntimeDynamicConfig, OnnxRuntimeQuantizer
    from transformers.exporters.configs import ExportFormat

    (folder / FP32).parent.mkdir()
    sample = _sample(network)
    shapes = {name: {0: Dim.DYNAMIC, 1: Dim.DYNAMIC} for name in INPUTS}
    with _quiet():
        try:
            exported = OnnxExporter().export(network, dict(sample), config=OnnxConfig(dynamic_shapes=shapes))
            _save(exported.program, folder / FP32)
            if not int8:
                return [FP32]
            quantizer = OnnxRuntimeQuantizer(OnnxRuntimeDynamicConfig(**QUANTISED))
            _save(quantizer.quantize(exported.program, dict(sample), ExportFormat.ONNX), folder / INT8)
        except OSError:
            raise
        except Exception as error:
            # torch.export, onnxscript and onnxruntime have each classes of their own for "this I cannot convert".
            raise UserError(
                f"The ONNX exporter cannot convert this {network.config.model_type} network ({first_line(error)}). "
                "Leave onnx=true out: the folder is complete without."
            ) from error
    return [FP32, INT8]


def session(path: Path) -> InferenceSession:
    """ONNX Runtime on the CPU, with as many threads as torch has."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors: its advice is for those who wrote the graph by hand
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _sample(network: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Two texts, one of them padded: what is traced must not hold for one shape or for full batches alone."""
    padding = network.config.pad_token_id or 0
    ids = torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, padding, padding]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    return dict(zip(INPUTS, (ids, mask), strict=True))


def _save(program: Any, path: Path) -> None:
    import onnx_ir

    size = sum(value.const_value.nbytes for value in program.graph.initializers.values() if value.const_value)
    onnx_ir.save(program, path, external_data=f"{path.name}.data" if size > ONE_FILE else None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The three libraries report every step, each in its own way."""
    earlier = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(earlier)
