"""A run or a range model as files that need no birdsat."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from birdsat.errors import CheckpointError, ConfigError
from birdsat.files import file_sha256, temporary_folder
from birdsat.locks import folder_lock, is_unused
from birdsat.methods.classifier import Classifier
from birdsat.progress import QUIET, Progress
from birdsat.ranges.facts import SETTINGS_FILE, WEIGHTS_FILE
from birdsat.ranges.load import load_ranges
from birdsat.ranges.model import RangeModel
from birdsat.tables import Table
from birdsat.tasks.export.manifest import (
    EXPORT_FILE,
    ExportManifest,
    ImageFacts,
    exported_file,
    save_export_manifest,
)
from birdsat.tasks.export.part import PART_NAMES, Part, PartName
from birdsat.tasks.export.range_part import range_part
from birdsat.tasks.export.run_parts import run_parts
from birdsat.tasks.export.write import ENDINGS, Format, check_installed, write_int8, write_part
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.manifest import load_run_manifest
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.requests.export import ExportRequest

_CROP = "central square"
_INT8_FILE = f"classifier-int8{ENDINGS['onnx']}"
_PART_FILES = {f"{name}{ending}" for name in PART_NAMES for ending in ENDINGS.values()} | {_INT8_FILE}


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportResult:
    """Files that were written, and what is said of them."""

    folder: Path
    manifest: ExportManifest

    @property
    def files(self) -> tuple[Path, ...]:
        """The parts, and export.json."""
        return (*(self.folder / one.file for one in self.manifest.files), self.folder / EXPORT_FILE)

    def table(self) -> Table:
        """What each file takes and gives, and its size."""
        table = Table(columns=["file", "takes", "gives", "MB"], words=3)
        for one in self.manifest.files:
            takes, gives = (", ".join(str(port["name"]) for port in ports) for ports in (one.inputs, one.outputs))
            table.add_row(one.file, takes, gives, f"{one.bytes / 1e6:.1f}")
        return table

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"folder": str(self.folder), "manifest": self.manifest.to_dict(), "files": list(map(str, self.files))}


def export(request: ExportRequest, progress: Progress = QUIET) -> ExportResult:
    """Write the parts of a model, and then export.json; without it, the folder is not whole, and is written anew.

    Raises CheckpointError for a folder that is neither a run nor a range model, or is unfinished or damaged, and
    ConfigError for a part that it cannot give, a folder that holds something, and where a package is missing.
    """
    source, out = Path(request.run), Path(request.out)
    if request.format == "onnx":
        check_installed()
    manifest, parts, lacking = _opened(source, request.format)
    wanted: tuple[PartName, ...] = tuple(dict.fromkeys(request.part)) or tuple(parts)
    for name in wanted:
        if name not in parts:
            able = ", ".join(parts) or "no part at all"
            raise ConfigError(f"there is no {name} to export: {lacking[name]}. It can give {able}.", settings=("part",))
    if request.int8 and "classifier" not in wanted:
        raise ConfigError(f"there is no classifier to bring to int8: {lacking['classifier']}.", settings=("int8",))
    with folder_lock(out):
        if left := _left_unfinished(out):
            progress.note(f"{out} holds {len(left)} file(s) of an export that was stopped; they are written again.")
            for path in left:
                path.unlink()
        if not is_unused(out):
            raise ConfigError(f"{out} holds something already; choose an empty folder.", settings=("out",))
        manifest = _write(manifest, [parts[name] for name in wanted], out, request, progress)
    return ExportResult(folder=out, manifest=manifest)


def _left_unfinished(out: Path) -> list[Path]:
    """Files of an export that was killed while it moved them into place: nothing else is there but hidden files, and no
    export.json, without which nobody takes them for whole."""
    if not out.is_dir():
        return []
    there = [path for path in out.iterdir() if not path.name.startswith(".")]
    return there if all(path.name in _PART_FILES and path.is_file() for path in there) else []


def _write(
    manifest: ExportManifest, parts: list[Part], out: Path, request: ExportRequest, progress: Progress
) -> ExportManifest:
    """Write the files beside where they go, and move them there together."""
    facts = {"birdsat": manifest.birdsat, "fingerprint": manifest.fingerprint, "licence": manifest.licence}
    files = []
    with temporary_folder(out / "parts") as folder, progress.bar("exporting", len(parts), unit="parts") as bar:
        for part in parts:
            path = folder / f"{part.name}{ENDINGS[request.format]}"
            write_part(part, path, request.format, facts)
            files.append(exported_file(part, path))
            if request.int8 and part.name == "classifier":
                small = folder / _INT8_FILE
                write_int8(path, small, facts)
                files.append(exported_file(part, small, int8=True))
            bar.advance()
        for one in files:
            (folder / one.file).replace(out / one.file)
    manifest = replace(manifest, files=tuple(files))
    save_export_manifest(manifest, out)
    return manifest


def _opened(source: Path, form: Format) -> tuple[ExportManifest, Mapping[PartName, Part], Mapping[PartName, str]]:
    """What is known of a model, the parts that it can give, and of the others why it cannot."""
    if (source / SETTINGS_FILE).is_file():
        model = load_ranges(source)
        reason = f"{source} is a range model; give the run of the images, {model.facts.run!r}"
        lacking: dict[PartName, str] = {name: reason for name in PART_NAMES if name != "range-model"}
        return _of_ranges(model, form), {"range-model": range_part(model)}, lacking
    run = load_run(source)
    parts, why = run_parts(run)
    return _of_run(run, form), parts, why


def _of_run(run: Run, form: Format) -> ExportManifest:
    settings = run.config.method
    own = settings.embedder  # which has the statistics of the images
    photo = chip = None
    if run.method.sees_photos:
        mean, std = getattr(own, "photo_mean", None), getattr(own, "photo_std", None)
        photo = ImageFacts(px=run.photo_px, crop=_CROP, mean=mean, std=std)
    if settings.embedder.chip_px is not None:
        mean, std = getattr(own, "chip_mean", None), getattr(own, "chip_std", None)
        ground = run.dataset.chip_ground_km
        chip = ImageFacts(px=run.chip_px, crop="the whole chip", mean=mean, std=std, ground_km=ground)
    common_names: tuple[str, ...] = ()
    taxonomy = ""
    with suppress(CheckpointError):  # of an earlier birdsat, which kept neither
        learned = load_run_manifest(run.path).dataset
        by_name = {taxon.name: taxon.common_name for taxon in learned.taxa}
        common_names = tuple(by_name.get(name, "") for name in run.taxa)
        taxonomy = learned.named_by
    method = run.method
    return ExportManifest(
        format=form,
        model=type(method).__name__,
        fingerprint=model_fingerprint(run),
        licence=run.dataset.licence,
        photo=photo,
        chip=chip,
        labels=method.config.taxa if isinstance(method, Classifier) else (),
        common_names=common_names if isinstance(method, Classifier) and any(common_names) else (),
        taxonomy=taxonomy,
        temperature=float(method.temperature) if isinstance(method, Classifier) else None,
    )


def _of_ranges(model: RangeModel, form: Format) -> ExportManifest:
    assert model.folder is not None
    facts = model.facts
    return ExportManifest(
        format=form,
        model="range model",
        fingerprint=file_sha256(model.folder / WEIGHTS_FILE)[:16],
        licence="",
        labels=facts.taxa,
        common_names=facts.common_names,
        taxonomy=facts.taxonomy,
    )
