"""How many species to expect: a map of what all taxa of a range model give together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from birdsat.embeddings.regions.region import Region
from birdsat.maps.description import RICHNESS, SURVEYED, UNEVEN, UNLOOKED, MapDescription
from birdsat.maps.richness import RichnessSum, SuitabilityBlock
from birdsat.progress import QUIET, Progress
from birdsat.ranges.all_taxa import iter_taxa
from birdsat.ranges.covariates.named import USUAL_INPUTS
from birdsat.ranges.model import RangeModel
from birdsat.workflows.effort_map import effort_on, known_effort, write_shown_effort
from birdsat.workflows.map_making import making_of_richness
from birdsat.workflows.map_outputs import Blocks, Outputs, PlannedMap
from birdsat.workflows.open_ranges import cautions, is_dated, months_not_looked, note_cautions, open_ranges
from birdsat.workflows.requests.maps import DEFAULT_MONTHS, RichnessRequest
from birdsat.workflows.same_request import request_fingerprint

NAME = "richness"
EXPECTED = replace(
    RICHNESS,
    explanation="sum of the taxa's relative suitabilities (see a taxon's own map): it compares places and "
    "months, and is above a count of species where taxa are rarer than one half. The std is the standard deviation "
    "if taxa come and go independently of each other",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RichnessResult:
    """A map of richness."""

    taxa: tuple[str, ...]  # that are counted
    files: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"taxa": list(self.taxa), "files": list(map(str, self.files))}


def map_richness(request: RichnessRequest, progress: Progress = QUIET) -> RichnessResult:
    """Map the expected number of species, of all taxa of the range model or of those named.

    The area of applicability is that of all taxa of the model together. Raises ConfigError when a file is there already
    and not to be overwritten, or model and region do not belong together, UnknownTaxonError for a taxon that was not
    fitted.
    """
    of_model = known_effort(request.ranges, progress)
    outputs = Outputs.of(request, request_fingerprint(request), beside=("_effort.tif",) if of_model is not None else ())
    made = outputs.made_before(NAME)
    model, region = open_ranges(request)
    taxa = model.named(request.taxa) or model.facts.taxa
    if made is not None:
        progress.note(f"{made.files[0]}: mapped by this request already.")
        return RichnessResult(taxa=taxa, files=made.files)
    dated = is_dated(model)
    months = request.months_of(dated, model.facts.looked_months)
    note_cautions(cautions(model, taxa, months), progress)
    about = MapDescription(
        title=f"Species expected, of {len(taxa):,}",
        is_taxon=False,
        grid=region.grid,
        months=months,
        quantity=EXPECTED,
        model=f"{Path(request.ranges).name} on {region.run}",
        std=True,
        applicability=True,
        calibrated=model.facts.calibration.fitted,
        dated=dated,
        of_land=region.imagery.is_of_land,
        evaluation=model.evaluation,
        not_held_out=model.facts.not_held_out,
        sources={
            "imagery": region.imagery.text,
            "records": ", ".join(model.facts.tables),
            "taxa": f"{len(taxa):,}",
            "way": model.facts.way,
            "observer bias": model.observer_bias,
            **({"effort": model.facts.effort} if model.facts.effort else {}),
            **({"inputs": model.inputs_text} if model.facts.inputs != USUAL_INPUTS else {}),
            **({"classifier": model.facts.estimator} if model.facts.estimator else {}),
            **({SURVEYED: str(sum(model.facts.absences))} if model.facts.absences else {}),
            **({UNEVEN: "; ".join(model.facts.uneven_covariates)} if model.facts.uneven_covariates else {}),
            **({UNLOOKED: unlooked} if (unlooked := months_not_looked(model, months)) else {}),
        },
        making=making_of_richness(request, model),
    )
    blocks = _blocks(model, region, taxa, months or DEFAULT_MONTHS)

    def write_effort(path: Path) -> None:
        assert of_model is not None  # else there is not a file beside
        write_shown_effort(path, effort_on(of_model, region, outputs.within), region, outputs.request)

    (files,) = outputs.write([PlannedMap(name=NAME, about=about)], blocks, region.imagery, progress, write_effort)
    return RichnessResult(taxa=taxa, files=files)


def _blocks(model: RangeModel, region: Region, taxa: Sequence[str], months: Sequence[int]) -> Blocks:
    """Cells (c,), and the bands of one map: expected by month, standard deviation by month, area of applicability."""
    for some, groups in iter_taxa(model, region, taxa, months):
        cells, inside = some.cells, model.inside_together(some)
        together = RichnessSum(cells, len(months))
        for suitability in groups:
            together.add(SuitabilityBlock(cells=cells, suitability=suitability))
        total = together.total()
        yield cells, np.concatenate([total.expected, total.std, inside[None].astype(np.float32)])[None]
