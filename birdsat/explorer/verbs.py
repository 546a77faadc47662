"""What a child process may be asked to do, by name. Heavy imports come with the verb."""

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from birdsat.errors import BirdsatError, ImageError, InputError
from birdsat.explorer.names import CHECKED_FILE, DROPPED_FILE, RECORDS_FILE, THUMB_FILE
from birdsat.files import write_atomic
from birdsat.progress import Progress, WithoutNotes

Work = Callable[[Mapping[str, Any], Progress], Mapping[str, Any]]
THUMB_PX = 512
_MOST_PIXELS = 200_000_000  # of a photo, more than any camera's
_MOST_LISTED = 5000  # taxa of a table


def fit_example(asked: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Fit the example's invented birds. asked: folder."""
    from birdsat.workflows.explorer_example import BOX, example_table
    from birdsat.workflows.fit_ranges import fit_ranges
    from birdsat.workflows.requests.ranges import FitRequest

    folder = Path(asked["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    table = example_table(folder)
    box = f"{BOX.west:g},{BOX.south:g},{BOX.east:g},{BOX.north:g}"
    fit_ranges(FitRequest(tables=(table,), out=folder / "model", box=box), WithoutNotes(progress))
    return {"model": "example"}


def check(asked: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Read a table, and list what becomes of its rows. asked: folder, file, name, upload."""
    from birdsat.workflows.clean_records import clean_records
    from birdsat.workflows.requests.records import RecordsRequest

    with _in_folder(asked["folder"], asked["file"], asked["name"]):
        request = RecordsRequest(tables=(asked["file"],), out=CHECKED_FILE, dropped=DROPPED_FILE, overwrite=True)
        found = clean_records(request, progress)
    return {
        "rows": found.rows,
        "kept": found.records,
        "dropped": _by_count(found.dropped),
        "noted": _by_count(found.noted),
        "taxa": sorted(
            ({"taxon": taxon, "records": count} for taxon, count in found.taxa.items()),
            key=lambda one: (-int(str(one["records"])), str(one["taxon"])),
        )[:_MOST_LISTED],
        "taxa_in_all": len(found.taxa),
        "dropped_url": f"v1/uploads/{asked['upload']}/dropped.csv",
    }


def _by_count(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"reason": reason, "rows": rows} for reason, rows in sorted(counts.items(), key=lambda one: -one[1])]


def fit(asked: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Fit to a table that was sent. asked: folder, file, name, out (of the new model), taxa."""
    import shutil

    from birdsat.ranges.facts import SETTINGS_FILE
    from birdsat.workflows.clean_records import clean_records
    from birdsat.workflows.fit_ranges import fit_ranges
    from birdsat.workflows.requests.ranges import FitRequest
    from birdsat.workflows.requests.records import RecordsRequest

    out = Path(asked["out"])
    if not (out / SETTINGS_FILE).is_file():
        shutil.rmtree(out, ignore_errors=True)  # of a fit that was stopped
    with _in_folder(asked["folder"], asked["file"], asked["name"]):
        if not Path(CHECKED_FILE).is_file():
            request = RecordsRequest(tables=(asked["file"],), out=CHECKED_FILE, dropped=DROPPED_FILE, overwrite=True)
            clean_records(request, progress)
        fit_ranges(FitRequest(tables=(asked["file"],), out=out, taxa=tuple(asked["taxa"])), progress)
        shutil.copyfile(CHECKED_FILE, out / RECORDS_FILE)
    return {}


def download(asked: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Make a file of a taxon's map. asked: ranges, region (or None), taxon, months, threshold, ending, out (a folder,
    which may hold what was made before)."""
    from birdsat.workflows.map_report import report_map
    from birdsat.workflows.map_taxon import map_taxon
    from birdsat.workflows.range_products import make_ranges
    from birdsat.workflows.requests.maps import MapRequest
    from birdsat.workflows.requests.products import RangeRequest, ReportRequest

    out, ending = Path(asked["out"]), asked["ending"]
    request = MapRequest(
        taxon=(asked["taxon"],),
        ranges=asked["ranges"],
        region=asked["region"],
        months=tuple(asked["months"]),
        also=("csv",) if ending == "csv" else (),
        out=out / ("table" if ending == "csv" else "map"),
    )
    quiet = WithoutNotes(progress)
    files = map_taxon(request, quiet).maps[0].files
    (tif,) = (file for file in files if file.suffix == ".tif")
    if ending in ("tif", "png", "csv"):
        (found,) = (file for file in files if file.suffix == f".{ending}")
        return {"file": str(found)}
    ranges = out / f"range-{asked['threshold'] or 'max_sss'}" / f"{tif.stem}.gpkg"
    if not ranges.is_file():
        ranges.parent.mkdir(parents=True, exist_ok=True)
        asked_range = RangeRequest(maps=(tif,), threshold=asked["threshold"] or "max_sss", out=ranges, overwrite=True)
        try:
            make_ranges(asked_range, quiet)
        except InputError:
            if ending == "gpkg":
                raise
    if ending == "gpkg":
        return {"file": str(ranges)}
    report = ReportRequest(
        map=tif, ranges=ranges if ranges.is_file() else None, out=ranges.with_suffix(".html"), overwrite=True
    )
    return {"file": str(report_map(report, quiet).file)}


def thumb(asked: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Make a small picture of a photo. asked: folder, file, name."""
    with _in_folder(asked["folder"], asked["file"], asked["name"]):
        write_thumb(Path(asked["file"]), Path(THUMB_FILE))
    return {}


def write_thumb(photo: Path, out: Path) -> None:
    """A JPEG of at most THUMB_PX, turned as its camera said. Raises ImageError for what is not a photo."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    try:
        with Image.open(photo) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise ImageError(
                    f"{photo} has {image.width} x {image.height} pixels; allowed: {_MOST_PIXELS:,} in all."
                )
            image.draft("RGB", (THUMB_PX, THUMB_PX))
            small = ImageOps.exif_transpose(image).convert("RGB")
            small.thumbnail((THUMB_PX, THUMB_PX))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"{photo} cannot be read as a photo; send a JPEG or PNG.") from error
    made = io.BytesIO()
    small.save(made, "JPEG", quality=82)  # without what the camera wrote beside the picture, such as the place
    write_atomic(out, made.getvalue())


@contextmanager
def _in_folder(folder: str, file: str, name: str) -> Iterator[None]:
    """Work in a folder, where tables are called by their names alone; errors call the file as its owner does."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    except BirdsatError as error:
        error.args = (str(error).replace(file, name), *error.args[1:])
        raise
    finally:
        os.chdir(before)


VERBS: dict[str, Work] = {
    "fit-example": fit_example,
    "check": check,
    "fit": fit,
    "download": download,
    "thumb": thumb,
}
