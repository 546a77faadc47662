"""What `birdsat map` does: one taxon over the cells of a region, from photos, from occurrences or from both."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.polygon import Polygons, read_polygons
from birdsat.embeddings.regions.region import Region
from birdsat.embeddings.taxa import load_taxon_means
from birdsat.errors import ConfigError, InputError
from birdsat.imagery.open_imagery import land_under, open_imagery
from birdsat.maps.cell_rows import rows_of_cells
from birdsat.maps.cell_table import write_cells
from birdsat.maps.description import PROBABILITY, SCORE, MapDescription, Quantity
from birdsat.maps.map_file import MapFile, create_map, sidecar_path
from birdsat.maps.netcdf import write_netcdf
from birdsat.maps.photo_scores import predict_blocks, score_blocks
from birdsat.pictures.animate import animate_map
from birdsat.pictures.map_picture import draw_map_file, save_png
from birdsat.pictures.panel import MapPoints
from birdsat.pictures.points import read_points
from birdsat.progress import QUIET
from birdsat.ranges.feature_cache import iter_features
from birdsat.ranges.model import RangeModel, Way, load_ranges
from birdsat.ranges.records import check_records
from birdsat.training.run_folder import Run, load_run
from birdsat.workflows.embed_region import embed_grid, open_region_of
from birdsat.workflows.fit_ranges import RecordTables, check_ranges, fit_records, warn_if_undated

Also = Literal["netcdf", "gif", "parquet", "csv"]
_ENDINGS: dict[Also, str] = {"netcdf": ".nc", "gif": ".gif", "parquet": ".parquet", "csv": ".csv"}
RELATIVE = Quantity(
    PROBABILITY.name,
    PROBABILITY.units,
    PROBABILITY.bounds,
    "relative: 0.5 is a place and month as likely among the taxon's records as among the background, each weighing one "
    "half; calibrated on blocks left out",
)

Bands = Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]  # positions (c,) and values (bands, c) of cells


@dataclass(frozen=True, kw_only=True, slots=True)
class Outputs:
    """Which files a map is written to, and what is drawn on it."""

    folder: Path
    also: tuple[Also, ...] = ()  # beside the GeoTIFF, its JSON and the picture
    points: tuple[Path, ...] = ()  # tables of occurrences or counts to draw on top
    within: Polygons | None = None  # cells elsewhere have no value
    overwrite: bool = False

    def refuse_existing(self, name: str, months: Sequence[int]) -> None:
        """Raises ConfigError when a file is there already, or an animation of one month is asked for."""
        if "gif" in self.also and len(months) < 2:
            raise ConfigError("an animation needs at least two months; name more with --month, or leave gif out.")
        tiff = self.folder / f"{name}.tif"
        for file in (tiff, sidecar_path(tiff), tiff.with_suffix(".png"), *self._others(tiff)):
            if file.exists() and not self.overwrite:
                raise ConfigError(
                    f"{file} exists already; replace it with --overwrite, or name another folder with --out."
                )

    def write(self, name: str, about: MapDescription, bands: Bands, imagery: str, points_of: str = "") -> list[Path]:
        """Write all files of a map whose cells come in order; points_of: taxon whose points are drawn."""
        marks = [_points(table, points_of, about.grid) for table in self.points]
        tiff = self.folder / f"{name}.tif"
        with _folder(self.folder), create_map(tiff, about) as sink:
            imaged = 0  # cells with imagery, within the polygons or not
            for first, values in rows_of_cells(about.grid, len(about.band_names), bands):
                imaged += int(np.count_nonzero(~np.isnan(values[0])))
                if self.within is not None:
                    inside = self.within.mask(about.grid, slice(first, first + values.shape[1]))
                    values = np.where(inside, values, np.float32(np.nan))
                sink.write(first, values)
            _check_values(imaged, about.grid, imagery)
            if sink.cells_with_value == 0:
                raise InputError(
                    f"no cell with imagery lies within the polygons, of {imaged:,} in the box {about.grid.box}; draw "
                    "polygons (longitude first) that hold the centres of some, or leave --within out."
                )
        land = land_under(imagery)
        others = self._others(tiff)
        with MapFile(tiff) as map_file:
            save_png(draw_map_file(map_file, land=land, points=marks), tiff.with_suffix(".png"))
            for kind, file in zip(self.also, others, strict=True):
                _write_other(kind, map_file, file, lambda file: animate_map(map_file, file, land=land, points=marks))
        return [tiff, tiff.with_suffix(".png"), *others]

    def _others(self, tiff: Path) -> list[Path]:
        return [tiff.with_suffix(_ENDINGS[kind]) for kind in self.also]


@contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """Make a folder, which is gone again when nothing could be written to it."""
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        if made:
            with suppress(OSError):  # it is not empty
                folder.rmdir()
        raise


def file_name(title: str) -> str:
    """A title as a file's name."""
    return title.replace(" ", "_").replace("/", "_")


def map_taxon(
    run_folder: Path,
    taxon: str,
    months: Sequence[int],
    *,
    out: Path,
    region: Path | None = None,
    grid: AnyGrid | None = None,
    imagery: str | None = None,
    stretch: tuple[float, float] | None = None,
    occurrences: RecordTables | None = None,
    ranges: Path | None = None,
    way: Way = "occurrences",
    within: Path | None = None,
    also: Sequence[Also] = (),
    points: Sequence[Path] = (),
    workers: int = 0,
    overwrite: bool = False,
) -> list[Path]:
    """Map one taxon into `out`; the files written. From photos, unless there are occurrences or a fitted range model.

    Records are fitted to on the cells of `region`, or else of one that is embedded into out/region first.
    """
    polygons = None if within is None else read_polygons(within)
    outputs = Outputs(folder=out, also=tuple(also), points=tuple(points), within=polygons, overwrite=overwrite)
    if occurrences is None and ranges is None:
        return map_from_photos(
            run_folder,
            taxon,
            months,
            outputs,
            region=region,
            grid=grid,
            imagery=imagery,
            stretch=stretch,
            workers=workers,
        )
    outputs.refuse_existing(file_name(taxon), months)
    run = load_run(run_folder)

    def cells() -> Region:
        if region is not None:
            return open_region_of(run, region)
        assert grid is not None and imagery is not None
        return embed_grid(run_folder, grid, imagery, out / "region", stretch=stretch, workers=workers)

    # A taxon that is not there is refused before cells are embedded, which takes long.
    if ranges is not None:
        model, model_name = load_ranges(ranges), ranges.name
        model.labels((taxon,))
        opened = cells()
    else:
        assert occurrences is not None
        everything = occurrences.read()
        everything.of(taxon)
        opened = cells()
        records = check_records(opened, everything, (taxon,), trust_places=occurrences.trust_places)
        model, model_name = fit_records(run, opened, records, way=way, tables=occurrences.paths), f"fit to {way}"
        for name, value in model.evaluation.items():
            _note(f"{name.replace('_', ' ')}: {value:.3g}")
    return map_from_ranges(run, opened, model, taxon, months, outputs, model_name)


def map_from_photos(
    run_folder: Path,
    taxon: str,
    months: Sequence[int],
    outputs: Outputs,
    *,
    region: Path | None = None,
    grid: AnyGrid | None = None,
    imagery: str | None = None,
    stretch: tuple[float, float] | None = None,
    workers: int = 0,
) -> list[Path]:
    """Map by the taxon's mean photo embedding; the files written.

    The cells are those of `region`, a folder that the same run has embedded, or else those of `grid`, whose chips are
    cut from `imagery` and embedded on the way. Months that cannot differ are told on stderr. Raises ConfigError when a
    file is there already and not to be overwritten, InputError when no cell has imagery.
    """
    name = file_name(taxon)
    outputs.refuse_existing(name, months)
    run = load_run(run_folder)
    vector = load_taxon_means(run_folder).vector(taxon)
    if len(months) > 1 and not run.method.uses_metadata:
        _note(f"{run_folder} was trained without place and date: its maps of all months are the same.")
    if region is not None:
        opened = open_region_of(run, region)
        grid, imagery = opened.grid, opened.manifest.settings.imagery
        scores = score_blocks(opened.blocks(("year",)), vector[None], months)
    else:
        assert grid is not None and imagery is not None
        chips = open_imagery(imagery).chips(ground_km=run.chip_ground_km, px=run.chip_px, stretch=stretch)
        scores = predict_blocks(run.method, vector[None], grid, months, chips, chip_px=run.chip_px, workers=workers)
    about = MapDescription(
        title=taxon,
        grid=grid,
        months=tuple(months),
        quantity=SCORE,
        model=run_folder.name,
        sources={"imagery": imagery},
    )
    bands = ((block.cells, block.score[0]) for block in scores)
    return outputs.write(name, about, bands, imagery, taxon)


def map_from_ranges(
    run: Run, region: Region, model: RangeModel, taxon: str, months: Sequence[int], outputs: Outputs, model_name: str
) -> list[Path]:
    """Map a taxon of a range model, with its uncertainty and area of applicability; the files written."""
    name = file_name(taxon)
    outputs.refuse_existing(name, months)
    check_ranges(model, model_name, region)
    (label,) = model.labels((taxon,))
    warn_if_undated(model, months, QUIET)
    about = MapDescription(
        title=taxon,
        grid=region.grid,
        months=tuple(months),
        quantity=RELATIVE,
        model=f"{model_name} on {run.path.name}",
        spread=True,
        applicability=True,
        evaluation=model.evaluation,
        sources={
            "imagery": region.manifest.settings.imagery,
            "records": ", ".join(model.facts.tables),
            "records of the taxon": str(model.facts.points[label]),
            "way": model.facts.way,
        },
    )
    return outputs.write(name, about, _range_bands(model, region, taxon, months), about.sources["imagery"], taxon)


def _range_bands(model: RangeModel, region: Region, taxon: str, months: Sequence[int]) -> Bands:
    for block in model.predict(iter_features(model, region), (taxon,), months):
        inside = block.inside[None].astype(np.float32)
        yield block.cells, np.concatenate([block.probability[0], block.spread[0], inside])


def _write_other(kind: Also, map_file: MapFile, file: Path, animate: Callable[[Path], None]) -> None:
    match kind:
        case "netcdf":
            write_netcdf(map_file, file)
        case "gif":
            animate(file)
        case "parquet" | "csv":
            write_cells(map_file, file)


def _check_values(cells: int, grid: AnyGrid, imagery: str) -> None:
    if cells == grid.cells:
        return
    if cells:
        _note(
            f"{grid.cells - cells:,} of {grid.cells:,} cells have no imagery or were not asked for; they hold no value."
        )
        return
    place = next(grid.places(1))[0]
    raise InputError(
        f"none of the {grid.cells:,} cells in the box {grid.box} has imagery in {imagery}; take a box that it "
        f"covers. Ready chips must lie on the cells' centres, the first at lon {place.lon:g}, lat {place.lat:g}; with "
        "chips elsewhere, choose box and step to fit them, or cut chips from a raster."
    )


def _points(table: Path, taxon: str, grid: AnyGrid) -> MapPoints:
    points, remarked = read_points(table, taxon, grid.box)
    for reason, rows in remarked.items():
        _note(f"{table}: {reason}, in {rows:,} rows")
    return points


def _note(text: str) -> None:
    print(f"birdsat: {text}", file=sys.stderr)
