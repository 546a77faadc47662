"""Parts to files: ONNX by torch's exporter, or torch's own .pt2; and a classifier in eight bits."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import torch

from birdsat.errors import ConfigError
from birdsat.files import atomic_path, temporary_folder
from birdsat.tasks.export.part import BATCH, Part

Format = Literal["onnx", "torch"]
ENDINGS: dict[Format, str] = {"onnx": ".onnx", "torch": ".pt2"}
_NEEDED = ("onnx", "onnxscript", "onnxruntime")


def check_installed() -> None:
    """Raise ConfigError where what ONNX needs does not import."""
    for name in _NEEDED:
        try:
            import_module(name)
        except ImportError as error:
            raise ConfigError(
                f"the format onnx needs the package {name}, which does not import ({error}); `pip install "
                "'birdsat[export]'`, or take the format torch.",
                settings=("format",),
            ) from error


def write_part(part: Part, path: Path, form: Format, facts: dict[str, str]) -> None:
    """Write a part, whole or not at all. facts: kept in the file as well.

    Raises ConfigError for a part with an operation that the format does not have, as of an encoder of one's own.
    """
    try:
        _write_part(part, path, form, facts)
    except OSError:
        raise
    except Exception as error:  # the exporters raise almost anything for what they do not know
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        other: Format = "torch" if form == "onnx" else "onnx"
        raise ConfigError(
            f"{part.name} cannot be written as {form} ({reason}); try the format {other}.", settings=("format",)
        ) from error


def _write_part(part: Part, path: Path, form: Format, facts: dict[str, str]) -> None:
    with _quiet(), torch.no_grad():
        exported = torch.export.export(
            part.module,
            tuple(port.example() for port in part.inputs),
            dynamic_shapes=tuple({0: torch.export.Dim.DYNAMIC} for _ in part.inputs),
        )
        for node in exported.graph.nodes:
            node.meta.pop("stack_trace", None)  # paths of this machine
        if form == "torch":
            with temporary_folder(path) as folder:  # its writer wants a name of its own ending
                torch.export.save(exported, folder / path.name, extra_files=facts)
                _move(folder / path.name, path)
            return
        program = torch.onnx.export(
            exported,
            (),
            None,
            dynamo=True,
            input_names=[port.name for port in part.inputs],
            output_names=[port.name for port in part.outputs],
            verbose=False,
        )
        assert program is not None
        _save_onnx(program.model_proto, path, facts)


def write_int8(source: Path, path: Path, facts: dict[str, str]) -> None:
    """Write an ONNX part with the matrices of its linear layers in eight bits, whole or not at all.

    Weights are brought to whole numbers once, each column by its own scale; what they are multiplied with is, in every
    call, by its largest number (onnxruntime's dynamic quantisation). That needs no photos to choose scales on. Weights
    take seven bits of the eight: processors without VNNI add up two products in sixteen bits, which would overflow.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with _quiet(), temporary_folder(path) as folder:
        quant_pre_process(str(source), str(folder / "prepared.onnx"), skip_symbolic_shape=True)
        quantize_dynamic(
            str(folder / "prepared.onnx"),
            str(folder / "int8.onnx"),
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
        _save_onnx(onnx.load(str(folder / "int8.onnx")), path, facts)


def _save_onnx(model: Any, path: Path, facts: dict[str, str]) -> None:
    """Without what the exporter notes of this machine (paths in stack traces); all batch dimensions have one name."""
    import onnx

    graph = model.graph
    for several in (graph.node, graph.value_info, graph.initializer, graph.input, graph.output):
        for one in several:
            one.ClearField("doc_string")
            if hasattr(one, "metadata_props"):
                del one.metadata_props[:]
    del graph.metadata_props[:]
    graph.ClearField("doc_string")
    outside = [dim for value in (*graph.input, *graph.output) for dim in value.type.tensor_type.shape.dim]
    inside = [dim for value in graph.value_info for dim in value.type.tensor_type.shape.dim]
    named = {dim.dim_param for dim in outside} - {""}
    for dim in (*outside, *inside):
        if dim.dim_param in named:
            dim.dim_param = BATCH
    graph.name, model.producer_name, model.producer_version = "birdsat", "birdsat", facts.get("birdsat", "")
    del model.metadata_props[:]
    for key, value in sorted(facts.items()):
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    with atomic_path(path) as partial:
        partial.write_bytes(model.SerializeToString(deterministic=True))


def _move(source: Path, path: Path) -> None:
    with atomic_path(path) as partial:
        source.replace(partial)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the libraries' notes on operations that they lack, and on what they will change."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
