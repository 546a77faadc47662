"""Which files a map is written to, and their writing: the GeoTIFF and its JSON, a picture, and other formats."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdsat.earth.grid import AnyGrid
from birdsat.earth.outline import Land
from birdsat.earth.polygon import Polygons
from birdsat.earth.read_polygons import read_polygons
from birdsat.errors import InputError
from birdsat.files import check_new
from birdsat.imagery.open_imagery import Imagery
from birdsat.maps.cell_rows import rows_of_cells
from birdsat.maps.description import WITHIN, MapDescription
from birdsat.maps.map_file import MapFile, MapLayers, create_map, sidecar_path
from birdsat.maps.panels import PANELS
from birdsat.pictures.extra_panels import missing_panels
from birdsat.pictures.map_picture import draw_map_file, picture_scale, save_png
from birdsat.pictures.panel import MapPoints
from birdsat.pictures.qgis_style import style_path, write_style
from birdsat.pictures.scale import Scale
from birdsat.progress import Progress
from birdsat.workflows.map_formats import FORMATS
from birdsat.workflows.requests.maps import MapFilesOptions

Blocks = Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]  # cells (c,) in order, values (maps, bands, c)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedMap:
    """A map that is to be written."""

    name: str  # of its files, without an ending
    about: MapDescription
    points: Sequence[MapPoints] = ()  # drawn on top


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeMap:
    """A map that is there already."""

    files: tuple[Path, ...]  # all but the JSON and the style
    evaluation: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outputs:
    """Which files maps are written to."""

    folder: Path
    scale: Scale = "data"
    picture: bool = True  # beside each GeoTIFF
    panels: tuple[str, ...] = ()  # that are drawn beside the map
    also: tuple[str, ...] = ()  # formats beside the GeoTIFF, its JSON and the picture
    within: Polygons | None = None  # cells elsewhere have no value
    within_file: str = ""  # name of the file of these
    beside: tuple[str, ...] = ()  # what the names of other maps beside each end in, as "_effort.tif"
    overwrite: bool = False
    request: str  # fingerprint of what is asked for, by which maps that were made already are known

    @classmethod
    def of(cls, options: MapFilesOptions, request: str, beside: Sequence[str] = ()) -> "Outputs":
        """Those that a request of this fingerprint asks for; beside: endings of other files that whoever asks writes.

        Raises InputError for polygons that cannot be read.
        """
        return cls(
            folder=Path(options.out),
            scale=options.scale,
            picture=options.picture,
            panels=tuple(options.panels),
            also=tuple(options.also),
            within=None if options.within is None else _region(Path(options.within), options.within_layer),
            within_file="" if options.within is None else Path(options.within).name,
            beside=tuple(beside),
            overwrite=options.overwrite,
            request=request,
        )

    def made_before(self, name: str) -> MadeMap | None:
        """The map of that name, where the same request made it, with all of its files, and it is not to be overwritten.

        One that it did not finish, as on a full disk, is made again, but for other formats that are there, which may
        be somebody else's. Raises ConfigError when files of that name are there already that something else made.
        """
        tiff, beside = self._tiff(name), self.files_beside(name)
        with_it = (sidecar_path(tiff), *([style_path(tiff)] if tiff.is_file() else []))  # alone, a style is of no map
        found = self._of_the_request(tiff)
        if found is not None and not self.overwrite:
            own = self._own(tiff, self._makeable(found))
            if all(file.is_file() for file in (*own, *beside, *with_it)):
                return MadeMap(files=(*own, *beside), evaluation=found.evaluation)
        formats = (*self._others(tiff, self.also), *self._beside_others(tiff))
        others = [file for file in beside if self._of_the_request(file) is None]
        if found is not None:
            check_new((*formats, *others), self.overwrite)
        else:
            check_new((*self._own(tiff, ()), *formats, *with_it, *others, *map(sidecar_path, others)), self.overwrite)
        return None

    def write(
        self,
        maps: Sequence[PlannedMap],
        blocks: Blocks,
        imagery: Imagery,
        progress: Progress,
        write_beside: Callable[[Path], object] = lambda _: None,
    ) -> list[tuple[Path, ...]]:
        """Write all files of maps on one grid and with as many bands, whose cells come together; the files of each.

        Memory holds some rows of the grid. Cells without imagery are noted. Raises InputError when none has any, or
        none of those that have lies within the polygons; then nothing is left behind. A format that cannot be made of
        such a map is left out, which is noted. write_beside: makes a map beside, which pictures show.
        """
        about = maps[0].about
        grid, bands = about.grid, len(about.band_names)
        stacked = ((cells, values.reshape(len(maps) * bands, len(cells))) for cells, values in blocks)
        with _folder(self.folder), ExitStack() as stack:
            cut = {WITHIN: self.within_file} if self.within_file else {}
            described = [replace(one.about, request=self.request, sources={**one.about.sources, **cut}) for one in maps]
            paths = [self._tiff(one.name) for one in maps]
            sinks = [stack.enter_context(create_map(*one)) for one in zip(paths, described, strict=True)]
            bar = stack.enter_context(progress.bar("mapping", grid.rows, unit="rows"))
            imaged = 0  # cells with imagery, within the polygons or not
            for first, rows in rows_of_cells(grid, len(maps) * bands, stacked):
                imaged += int(np.count_nonzero(~np.isnan(rows[0])))
                if self.within is not None:
                    inside = self.within.mask(grid, slice(first, first + rows.shape[1]))
                    rows = np.where(inside, rows, np.float32(np.nan))
                for sink, part in zip(sinks, np.split(rows, len(maps)), strict=True):
                    sink.write(first, part)
                bar.advance(rows.shape[1])
            _check_imagery(imaged, grid, imagery, progress)
            if not any(sink.cells_with_value for sink in sinks):
                raise InputError(
                    f"no cell with imagery lies within the polygons, of {imaged:,} in the box {grid.box}; draw "
                    "polygons (longitude first) that hold the centres of some, or leave them out.",
                    settings=("within",),
                )
        for one in maps:
            for file in self.files_beside(one.name):
                write_beside(file)
        return [(*self._write_others(one, imagery.land, progress), *self.files_beside(one.name)) for one in maps]

    def _write_others(self, one: PlannedMap, land: Land, progress: Progress) -> tuple[Path, ...]:
        """The picture, the style and the other formats, from the finished GeoTIFF; all files but JSON and style."""
        tiff = self._tiff(one.name)
        with MapFile(tiff) as map_file:
            also = self._makeable(map_file.description, progress)
            if one.about.applicability and not any(_is_inside(block) for block in map_file.blocks()):
                progress.note(
                    f"no cell of the map of {one.about.title} is in its area of applicability: all of its values are "
                    "guesses about places unlike those with records; is it the region that is meant?"
                )
            for name in missing_panels(map_file, self.panels):
                progress.note(f"no panel of {name} for {one.about.title}: that takes {PANELS[name].needs}.")
            if self.picture:
                picture = draw_map_file(map_file, land=land, points=one.points, scale=self.scale, panels=self.panels)
                save_png(picture, tiff.with_suffix(".png"))
            write_style(tiff, map_file.description.quantity, picture_scale(map_file, self.scale))
            for kind, file in zip(also, self._others(tiff, also), strict=True):
                drawn = {"land": land, "points": one.points, "scale": self.scale} if FORMATS[kind].is_drawn else {}
                _imported(FORMATS[kind].function)(map_file, file, **drawn)
        return self._own(tiff, also)

    def _makeable(self, about: MapDescription, progress: Progress | None = None) -> tuple[str, ...]:
        """The formats asked for that can be made of a map; why others cannot is noted."""
        found = []
        for kind in self.also:
            try:
                if FORMATS[kind].refuses:
                    _imported(FORMATS[kind].refuses)(about)
                found.append(kind)
            except InputError as error:
                if progress is not None:
                    progress.note(str(error))
        return tuple(found)

    def _own(self, tiff: Path, also: Sequence[str]) -> tuple[Path, ...]:
        """All files of a map but JSON and style."""
        return (tiff, *((tiff.with_suffix(".png"),) if self.picture else ()), *self._others(tiff, also))

    def _of_the_request(self, tiff: Path) -> MapDescription | None:
        """The description of a map that is there, if the same request made it."""
        if tiff.is_file():
            with suppress(InputError), MapFile(tiff) as found:
                return found.description if found.description.request == self.request else None
        return None

    def files_beside(self, name: str) -> list[Path]:
        """The other maps beside a map, which whoever asks for them writes with the fingerprint of the request."""
        return [self.folder / f"{name}{ending}" for ending in self.beside]

    def _tiff(self, name: str) -> Path:
        return self.folder / f"{name}.tif"

    def _others(self, tiff: Path, also: Sequence[str]) -> list[Path]:
        return [tiff.with_suffix(FORMATS[kind].ending) for kind in also]

    def _beside_others(self, tiff: Path) -> list[Path]:
        pairs = zip(self.also, self._others(tiff, self.also), strict=True)
        return [_imported(FORMATS[kind].beside)(file) for kind, file in pairs if FORMATS[kind].beside]


def _is_inside(block: MapLayers) -> bool:
    """Whether any cell with a value is in the area of applicability."""
    return block.applicability is not None and bool((block.applicability > 0.5).any())


def _imported(named: str) -> Callable[..., Any]:
    """What "module:function" names."""
    module, name = named.split(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def _region(path: Path, layer: str | None) -> Polygons:
    try:
        return read_polygons(path, layer)
    except InputError as error:
        settings = ("within_layer",) if "layer" in error.settings else ("within",)
        raise InputError(str(error), settings=settings) from error


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


def _check_imagery(cells: int, grid: AnyGrid, imagery: Imagery, progress: Progress) -> None:
    if cells == grid.cells or (cells and imagery.is_of_land):
        return
    if cells:
        progress.note(
            f"{grid.cells - cells:,} of {grid.cells:,} cells have no imagery or were not asked for; they hold no value."
        )
        return
    place = next(grid.places(1))[0]
    raise InputError(
        f"none of the {grid.cells:,} cells in the box {grid.box} has imagery in {imagery.text}; take a box that it "
        f"covers. Ready chips must lie on the cells' centres, the first at lon {place.lon:g}, lat {place.lat:g}; with "
        "chips elsewhere, choose box and cells to fit them, or cut chips from a raster.",
        settings=("box",),
    )
