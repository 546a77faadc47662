"""The request that makes files of a model that need no birdsat."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from birdsat.errors import ConfigError
from birdsat.workflows.requests.request import AnyPath, Folder, Positional, Request

ExportFormat = Literal["onnx", "torch"]
ExportPart = Literal["photo-encoder", "place-encoder", "classifier", "range-model"]


@dataclass(frozen=True, kw_only=True)
class ExportRequest(Request):
    """Write what a run or a range model says of its input as files that need no birdsat: ONNX, or torch's .pt2.

    Every file takes as many samples at once as it is given. FOLDER/export.json says what goes into each and comes out.
    """

    run: Positional[AnyPath]
    """Folder of a run, a classifier or a range model."""
    out: Folder[AnyPath]
    """Folder for the files."""
    format: ExportFormat = "onnx"
    """onnx runs in onnxruntime, in browsers and on phones; torch is read by torch.export.load."""
    part: Sequence[ExportPart] = ()
    """What to write; all that the model can give by default."""
    int8: bool = False
    """Write the classifier in eight bits as well, a quarter of the size; onnx alone."""

    def check(self) -> None:
        """Raise ConfigError for eight bits of a format that has none, or where no classifier is written."""
        super().check()
        if self.int8 and self.format != "onnx":
            raise ConfigError(
                f"int8 is of the format onnx, not of {self.format}; leave one of them out.", settings=("int8", "format")
            )
        if self.int8 and self.part and "classifier" not in self.part:
            raise ConfigError("int8 is of the part classifier; add it, or leave int8 out.", settings=("int8", "part"))
