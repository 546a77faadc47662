"""What an exported folder says of itself: export.json, written last."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from birdsat.files import file_sha256, write_atomic
from birdsat.imagery.photos import RGB
from birdsat.tasks.export.part import Part
from birdsat.tasks.export.write import Format

EXPORT_FILE = "export.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFacts:
    """How images of one kind become input. They are normalised inside; mean and deviation are for the record."""

    px: int
    crop: str  # what is cut out of the image, before it is resized to px
    mean: RGB | None  # of 0..1; None: it is not normalised
    std: RGB | None
    ground_km: tuple[float, ...] = ()  # sides of chips on the ground


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedFile:
    """A part as a file."""

    part: str
    file: str
    bytes: int
    sha256: str
    int8: bool
    inputs: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportManifest:
    """All that whoever loads the files needs to know."""

    schema_version: int = SCHEMA_VERSION
    birdsat: str = field(default_factory=lambda: version("birdsat"))
    format: Format
    model: str  # its method, or "range model"
    fingerprint: str  # of the weights
    licence: str  # of the data learned from; "": not stated
    photo: ImageFacts | None = None
    chip: ImageFacts | None = None
    labels: tuple[str, ...] = ()  # scientific names, in the order of what comes out
    common_names: tuple[str, ...] = ()  # of each label, "" where not known; none at all where none is
    taxonomy: str = ""  # the list that the labels are of, with its version; "": as the data have them
    temperature: float | None = None  # that a classifier's logits were divided by, inside
    files: tuple[ExportedFile, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def exported_file(part: Part, path: Path, *, int8: bool = False) -> ExportedFile:
    """What is said of a part that was written."""
    return ExportedFile(
        part=part.name,
        file=path.name,
        bytes=path.stat().st_size,
        sha256=file_sha256(path),
        int8=int8,
        inputs=tuple(asdict(port) for port in part.inputs),
        outputs=tuple(asdict(port) for port in part.outputs),
    )


def save_export_manifest(manifest: ExportManifest, folder: Path) -> Path:
    """Write export.json, whole or not at all."""
    path = folder / EXPORT_FILE
    write_atomic(path, json.dumps(manifest.to_dict(), indent=2, ensure_ascii=False) + "\n")
    return path
