"""Embed the cells of a grid into a region folder, part by part; started again, it continues."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from birdsat import config
from birdsat.earth.bands import RGBBands
from birdsat.earth.grid import AnyGrid
from birdsat.embeddings.inference import inference
from birdsat.embeddings.regions.cut_chips import cut_cells
from birdsat.embeddings.regions.embed_cells import HARMONICS, RegionBlock, check_method, embed_cut, kept_harmonics
from birdsat.embeddings.regions.folder_region import FolderRegion, open_region
from birdsat.embeddings.regions.manifest import (
    PART_CELLS,
    PLAN_FILE,
    REGION_FILE,
    RegionManifest,
    RegionPart,
    RegionSettings,
    load_region_manifest,
    load_region_plan,
    mask_fingerprint,
    part_name,
    read_part_facts,
    settings_that_differ,
    write_part,
)
from birdsat.errors import ConfigError, DatasetError, InputError
from birdsat.files import file_sha256
from birdsat.imagery.open_imagery import Imagery
from birdsat.imagery.sources import ChipSource
from birdsat.locks import folder_lock, is_unused
from birdsat.methods.method import Method
from birdsat.progress import QUIET, Progress
from birdsat.training.fingerprint import model_fingerprint
from birdsat.training.run_folder import Run


def write_region(
    folder: Path,
    run: Run,
    grid: AnyGrid,
    imagery: Imagery,
    *,
    bands: RGBBands | None = None,
    stretch: tuple[float, float] | None = None,
    where: NDArray[np.bool_] | None = None,
    harmonics: int = HARMONICS,
    workers: int = 0,
    device: torch.device | str | None = None,
    progress: Progress = QUIET,
) -> FolderRegion:
    """Embed every cell of `grid`, or those where `where` (rows, columns) is True, into `folder`, as float16.

    Chips are of the run's ground sizes; bands and stretch as in `Imagery.chips`. A part has its name only when it is
    complete, so what was killed goes on where it stopped; a finished region of the same settings is left as it is.
    Memory holds one part, whatever the grid. workers, device and harmonics as in `embed_cells`.

    Raises ConfigError when the folder holds something else, or a region of other settings; InputError when no cell has
    imagery; BusyError when another process is writing it; and what `Imagery.chips` raises.
    """
    check_method(run.method)
    chips = imagery.chips(ground_km=run.chip_ground_km, px=run.chip_px, bands=bands, stretch=stretch)
    chip_width, embedding_width = _widths(run.method, run.chip_px, device)
    settings = RegionSettings(
        grid=grid,
        run=run.name,
        model=model_fingerprint(run),
        imagery=imagery.text,
        imagery_bytes=imagery.file_bytes,
        bands=bands,
        stretch=stretch,
        chip_ground_km=run.chip_ground_km,
        chip_px=run.chip_px,
        mask=mask_fingerprint(where),
        chip_width=chip_width * len(run.chip_ground_km),
        embedding_width=embedding_width,
        harmonics=kept_harmonics(run.method, harmonics),
        part_cells=PART_CELLS,
    )
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; choose a folder for the region.")
    with folder_lock(folder):
        if not prepare_folder(folder, settings):
            _write_parts(folder, run, settings, chips, where, workers, device, progress)
        return open_region(folder)


def _write_parts(
    folder: Path,
    run: Run,
    settings: RegionSettings,
    chips: ChipSource,
    where: NDArray[np.bool_] | None,
    workers: int,
    device: torch.device | str | None,
    progress: Progress,
) -> None:
    """Embed the parts that are not there yet, and write region.json."""
    grid = settings.grid
    size = settings.part_cells
    spans = [range(first, min(first + size, grid.cells)) for first in range(0, grid.cells, size)]
    missing = [span for number, span in enumerate(spans) if not _is_complete(folder / part_name(number))]
    asked = _asked(spans, where)
    with (
        progress.bar("embedding cells", asked, unit="cells", done=asked - _asked(missing, where)) as bar,
        closing(cut_cells(grid, chips, px=run.chip_px, where=where, spans=missing, workers=workers)) as cuts,
    ):
        embedded = ((cut.cells, embed_cut(run.method, cut, settings.harmonics, device)) for cut in cuts)
        for number, blocks in groupby(embedded, lambda block: int(block[0][0]) // size):
            write_part(folder / part_name(number), settings, _counted(blocks, bar.advance))
    finish_region(folder, settings, len(spans))


def _widths(method: Method, px: int, device: torch.device | str | None) -> tuple[int, int]:
    """Numbers that say what a chip shows, and those of an embedding: asked of one black chip."""
    with inference(method, device) as place:
        features = method.encode_chip(torch.zeros(1, 3, px, px, dtype=torch.uint8, device=place))
        embedding = method.embed_chip(features, features.new_zeros(1, 2), features.new_zeros(1))
        return features.shape[1], embedding.shape[1]


def prepare_folder(folder: Path, settings: RegionSettings) -> bool:
    """Make a folder ready to be written, or to be continued; True where the region is complete already.

    Raises ConfigError where it holds something else, or a region of other settings.
    """
    if (folder / REGION_FILE).is_file():
        saved = load_region_manifest(folder).settings
    elif (folder / PLAN_FILE).is_file():
        saved = load_region_plan(folder)
    elif not is_unused(folder):
        raise ConfigError(f"{folder} holds something that is not a region; choose another folder.")
    else:
        config.save(settings, folder / PLAN_FILE)
        return False
    if differing := settings_that_differ(saved, settings):
        raise ConfigError(
            f"{folder} holds a region that was made otherwise: {'; '.join(differing)}. Ask for the same, or choose "
            "another folder."
        )
    if (folder / REGION_FILE).is_file():
        with suppress(DatasetError):
            open_region(folder)
            if (folder / PLAN_FILE).exists():  # of one killed between the two
                (folder / PLAN_FILE).unlink()
            return True
        config.save(settings, folder / PLAN_FILE)
        (folder / REGION_FILE).unlink()  # some part is gone: the others are kept
    return False


def _is_complete(part: Path) -> bool:
    """Whether a part is there and can be opened; one that cannot, as after a power cut, is made anew."""
    try:
        return part.is_file() and read_part_facts(part) is not None
    except DatasetError:
        return False


def _asked(spans: Iterable[range], where: NDArray[np.bool_] | None) -> int:
    """Cells of the spans that are asked for."""
    if where is None:
        return sum(map(len, spans))
    flat = where.reshape(-1)
    return sum(int(np.count_nonzero(flat[span.start : span.stop])) for span in spans)


def _counted(
    blocks: Iterable[tuple[NDArray[np.int64], tuple[RegionBlock, NDArray[np.float32]]]], count: Callable[[int], None]
) -> Iterator[tuple[RegionBlock, NDArray[np.float32]]]:
    for cells, embedded in blocks:
        yield embedded
        count(len(cells))


def finish_region(folder: Path, settings: RegionSettings, stretches: int, *, left_out: int = 0) -> None:
    """Write region.json over the finished parts. A stretch of which no cell was asked for has none.

    left_out: cells that were asked for in stretches without a part, and have nothing.
    """
    parts: list[RegionPart] = []
    without_imagery, largest, squared = left_out, 0.0, 0.0
    for number in range(stretches):
        path = folder / part_name(number)
        if not path.is_file():
            continue
        rows, facts = read_part_facts(path)
        without_imagery += facts.without_imagery
        largest, squared = max(largest, facts.missed_largest), squared + facts.missed_squared
        size = path.stat().st_size
        parts.append(RegionPart(file=path.name, number=number, rows=rows, sha256=file_sha256(path), size_bytes=size))
    cells = sum(part.rows for part in parts)
    if cells == 0:
        raise InputError(
            f"none of the {without_imagery:,} cells in the box {settings.grid.box} has imagery in {settings.imagery}; "
            "take a box that it covers.",
            settings=("box",),
        )
    manifest = RegionManifest(
        settings=settings,
        cells=cells,
        without_imagery=without_imagery,
        season_missed_largest=largest,
        season_missed_rms=math.sqrt(squared / (12 * cells)),
        parts=tuple(parts),
    )
    config.save(manifest, folder / REGION_FILE)
    (folder / PLAN_FILE).unlink(missing_ok=True)
