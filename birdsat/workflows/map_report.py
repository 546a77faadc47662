"""A report of a map: one page of HTML, with all that is known of how it was made and how far it can be trusted."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from birdsat.earth.cell_polygons import Geometry
from birdsat.earth.outline import EARTH, Land
from birdsat.errors import InputError
from birdsat.files import check_new, output_file
from birdsat.imagery.open_imagery import open_imagery
from birdsat.maps.description import MapDescription
from birdsat.maps.map_file import MapFile
from birdsat.maps.range_file import areas_path, read_areas, read_polygons_of
from birdsat.pictures.demo import figure_address, png_address
from birdsat.pictures.map_picture import draw_map_file
from birdsat.pictures.range_picture import draw_doubt, draw_effort, draw_range
from birdsat.progress import QUIET, Progress
from birdsat.reading import kind_of
from birdsat.workflows.effort_map import EFFORT
from birdsat.workflows.pages import escaped, image, style
from birdsat.workflows.report_facts import MapFacts
from birdsat.workflows.report_sections import sections
from birdsat.workflows.requests.products import ReportRequest

_USUAL = "range.gpkg"  # what `birdsat range` calls its file


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportResult:
    """A report that was written."""

    file: Path
    taxon: str  # or what else the map is of

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"file": str(self.file), "taxon": self.taxon}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Range:
    areas: dict[str, Any]  # of the taxon, as `read_areas` gives them
    polygons: list[tuple[str, Geometry]]


def report_map(request: ReportRequest, progress: Progress = QUIET) -> ReportResult:
    """Write the report of a map and of the ranges made of it.

    What is not known of a map, such as of one of an earlier release, is said to be so. Raises InputError for a file
    that is not a map, or is one of effort, or ranges that are named and are not of it; ConfigError when the file is
    there already and not to be overwritten.
    """
    path = Path(request.map)
    out = path.with_suffix(".html") if request.out is None else Path(request.out)
    check_new([out], request.overwrite)
    with MapFile(path) as map_file:
        about = map_file.description
        if about.quantity.name == EFFORT.name:
            raise InputError(f"{path} is a map of effort; a report is made of the map beside which it lies.")
        ranges = _ranges(request, map_file, progress)
        facts = MapFacts(
            about=about,
            created=map_file.created,
            file=path.name,
            areas=None if ranges is None else ranges.areas,
            report_command=request.command("report"),
            **_measured(map_file),
        )
        page = _page(facts, _pictures(map_file, ranges, progress))
    out.parent.mkdir(parents=True, exist_ok=True)
    with output_file(out) as partial:
        partial.write_text(page, encoding="utf-8")
    return ReportResult(file=out, taxon=about.title)


def _page(facts: MapFacts, pictures: dict[str, str]) -> str:
    template = Template(files("birdsat.workflows").joinpath("report_page.html").read_text(encoding="utf-8"))
    return template.substitute(sections(facts, pictures), title=escaped(facts.about.title), style=style())


def _pictures(map_file: MapFile, ranges: _Range | None, progress: Progress) -> dict[str, str]:
    """The pictures by name, as HTML; one that there is no ground for is left out."""
    about = map_file.description
    land = _land(about)
    drawn = map_file.path.with_suffix(".png")  # with the points that were asked for
    if drawn.is_file() and kind_of((data := drawn.read_bytes())[:64]) == "a PNG picture":
        address = png_address(data)
    else:
        address = figure_address(draw_map_file(map_file, land=land))
    pictures = {"map": image(address, f"Map of {about.title}: {about.quantity.name}")}
    if (doubt := draw_doubt(map_file, land)) is not None:
        pictures["doubt"] = image(figure_address(doubt), f"Uncertainty of the map of {about.title}")
    try:
        if (effort := draw_effort(map_file, land)) is not None:
            pictures["effort"] = image(figure_address(effort), "How much was looked where")
    except InputError as error:
        progress.note(f"without its effort: {error}")
    if ranges is not None and ranges.polygons:
        figure = draw_range(about, ranges.polygons, land)
        pictures["range"] = image(figure_address(figure), f"Range of {about.title} by season")
    return pictures


def _land(about: MapDescription) -> Land:
    """Of the planet that the map is of."""
    imagery = about.sources.get("imagery", "")
    return open_imagery(imagery).land if imagery else EARTH


def _measured(map_file: MapFile) -> dict[str, float]:
    """Shares of the cells with a value, by area, that are in the area of applicability, and their mean doubt."""
    grid = map_file.description.grid
    known = inside = doubt = 0.0
    for block in map_file.blocks():
        there = np.isfinite(block.value).any(axis=0)
        rows = block.first_row + np.arange(there.shape[0])
        area = there * grid.cell_area(rows * grid.columns)[:, None]
        known += float(area.sum())
        if block.applicability is not None:
            inside += float((area * (block.applicability > 0.5)).sum())
        if (of_block := block.doubt) is not None:
            doubt += float((area * np.nan_to_num(of_block.mean(axis=0))).sum())
    nothing = float("nan")
    return {
        "area_km2": known,
        "inside": inside / known if known and map_file.description.applicability else nothing,
        "doubt": doubt / known if known and map_file.description.doubt else nothing,
    }


def _ranges(request: ReportRequest, map_file: MapFile, progress: Progress) -> _Range | None:
    """The ranges that are named, or lie where `birdsat map` and `birdsat range` put them; None where there are none."""
    taxon = map_file.description.title
    usual = [map_file.path.with_suffix(".gpkg"), map_file.path.with_name(_USUAL)]
    some = usual if request.ranges is None else [Path(request.ranges)]
    for path in some:
        if request.ranges is None and not (path.is_file() and areas_path(path).is_file()):
            continue
        try:
            areas = read_areas(path, taxon)
            if areas is None:
                raise InputError(f"{path} holds no range of {taxon}; make it of this map with `birdsat range`.")
            if areas.get("map_created") != map_file.created:
                raise InputError(
                    f"{path} was made of another map of {taxon}; make it of this map with `birdsat range`."
                )
            return _Range(areas=areas, polygons=read_polygons_of(path, taxon))
        except InputError as error:
            if request.ranges is not None:
                error.settings = ("ranges",)
                raise
            progress.note(f"without its ranges: {error}")
    return None
