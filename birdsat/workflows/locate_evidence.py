"""What photos are located by: the birds they show and a range model, or their likeness to the cells of a region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birdsat.dataset.read import row_facts
from birdsat.dataset.row_groups import Dataset
from birdsat.earth.date import mid_month
from birdsat.embeddings.embed import embed_split
from birdsat.embeddings.photo_files import embed_photos, photo_views
from birdsat.embeddings.regions.folder_region import open_region
from birdsat.embeddings.regions.region import Region
from birdsat.embeddings.table import EmbeddingTable
from birdsat.errors import ConfigError, some_of
from birdsat.imagery.photo_files import photo_exif
from birdsat.observations.photos.exif import exif_facts
from birdsat.progress import Progress
from birdsat.ranges.model import RangeModel
from birdsat.tasks.identify.identifier import RunIdentifier, open_identifier
from birdsat.tasks.identify.kept import IDENTIFY_FILE
from birdsat.tasks.identify.seen import Seen, joined, see
from birdsat.tasks.locate import Evidence
from birdsat.tasks.locate_by_likeness import Likeness, LocationPosterior, Queries, fit_scale
from birdsat.tasks.locate_by_ranges import ANY_MONTH, Ranges, Shown, differs_by_month, shown_taxa
from birdsat.tasks.naming import Named, fit_naming, name_photos, name_rows, own_temperature
from birdsat.tasks.place_prior import PlacePrior, fit_place_prior
from birdsat.training.run_folder import Run
from birdsat.workflows.open_ranges import fit_cautions, months_not_looked, note_cautions, open_ranges
from birdsat.workflows.requests.maps import LocateRequest, RangesOptions
from birdsat.workflows.requests.request import AnyPath

TAXA_SHOWN = 3  # that are listed for each photo


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotosEvidence:
    """What is known of where some photos are from, and how it is known."""

    evidence: Evidence
    region: Region
    model: str  # what made the numbers
    explanation: str  # of the probability
    figures: Mapping[str, float]  # that it was made with
    taxa: Sequence[Sequence[tuple[str, float]]] | None  # the likeliest of each photo; None: not located by its taxa
    elsewhere: Sequence[float] = ()  # of each photo, what it may show that has no range
    sources: Mapping[str, str]  # for the record
    months: Sequence[int | None]  # in which each was taken; None is not known

    def sources_of(self, photo: int) -> dict[str, str]:
        """For the record of one photo."""
        month = self.months[photo]
        sources = dict(self.sources) | ({} if month is None else {"month": str(month)})
        if self.taxa is None:
            return sources
        return sources | {
            "taxa": ", ".join(f"{taxon} {share:.3f}" for taxon, share in self.taxa[photo]),
            "probability of taxa without a range": f"{self.elsewhere[photo]:.3f}",
        }


def photos_evidence(request: LocateRequest, run: Run, photos: Sequence[Path], progress: Progress) -> PhotosEvidence:
    """Of photos in files. Raises what opening and asking the run, the region and the range model raise."""
    if request.ranges is not None:
        return _by_ranges(request, run, photos, progress)
    assert request.region is not None
    region = open_region(Path(request.region), run)
    months = months_of(request, photos)
    queries = Queries(
        embedding=embed_photos(run.method, photos, run.photo_px, progress=progress),
        year_fraction=np.array([np.nan if month is None else mid_month(month) for month in months]),
    )
    prior = None if request.prior is None else place_prior(request.prior)
    rule = likeness_rule(request, run, region, prior, dated=any(months), progress=progress)
    return PhotosEvidence(
        evidence=Likeness(queries, region, rule),
        region=region,
        model=run.path.name,
        explanation="by the likeness of photo and cell",
        figures={"scale": rule.scale},
        taxa=None,
        months=months,
        sources={"imagery": region.imagery.text, "located by": "likeness of the photo to the cells"},
    )


def _by_ranges(request: LocateRequest, run: Run, photos: Sequence[Path], progress: Progress) -> PhotosEvidence:
    model, region = open_model(request)
    identifier, temperature = calibrated_names(request, run), 1.0
    if identifier is not None:
        named = _identified(identifier, run, photos, progress)
    else:
        temperature = naming_temperature(request, run, progress)
        named = name_photos(run, photos, progress=progress).with_temperature(temperature)
    months = months_of(request, photos)
    shown = shown_taxa(named, model, np.array([month or ANY_MONTH for month in months]))
    note_without_range(shown, progress)
    note_cautions(fit_cautions(model, (), None), progress)
    if request.month is not None and not differs_by_month(model):
        progress.note(f"{model.facts.why_undated}, so all months are the same.")
    if names := months_not_looked(model, sorted({month for month in months if month is not None})):
        progress.note(f"hardly anything was recorded in {names}: photos of {names} are located by other months.")
    prior = None if request.prior is None else place_prior(request.prior)
    folder = Path(str(request.ranges)).name
    return PhotosEvidence(
        evidence=Ranges(shown, model, region, prior),
        region=region,
        model=f"{run.path.name}, and {folder} on {region.run}",
        explanation="by the taxa that the photo may show, each over the cells as its range is",
        figures={"temperature": temperature},
        taxa=named.top(TAXA_SHOWN),
        elsewhere=shown.elsewhere.tolist(),
        months=months,
        sources={
            "imagery": region.imagery.text,
            "located by": f"the taxa that it may show and their ranges ({folder})",
            "records": ", ".join(model.facts.tables),
            "taxa without a range": some_of(shown.without_range) or "none",
        },
    )


def calibrated_names(request: LocateRequest, run: Run) -> RunIdentifier | None:
    """The run's best scores as probabilities that were fitted on held-out photos, with its gate; None where nothing was
    fitted (`birdsat evaluate identify`), or a temperature is to be fitted anew."""
    if request.calibrate is not None or not (run.path / IDENTIFY_FILE).is_file():
        return None
    identifier = open_identifier(run, taught=False)
    return identifier if identifier.calibrated else None


def named_by_image(identifier: RunIdentifier, seen: Seen, progress: Progress) -> Named:
    """What photos may show by the image alone. One that is not among the run's birds may show anything, and is located
    by where photos are taken at all; these are counted."""
    n = len(seen)
    unknown = np.full((n, 2), np.nan)
    answers = identifier.answer(seen, unknown, unknown[:, 0], np.ones(n, dtype=np.bool_))
    strange = np.array([verdict == "not among these birds" for verdict in answers.verdict], dtype=np.bool_)
    if strange.any():
        progress.note(
            f"{strange.sum():,} of {n:,} photos are not among the birds that the run knows, and say nothing of places."
        )
    score = np.where(strange[:, None], np.float32(0), answers.image_score)
    return Named(taxa=answers.taxa, score=score, meaning="probability")


def _identified(identifier: RunIdentifier, run: Run, photos: Sequence[Path], progress: Progress) -> Named:
    with progress.bar("naming", len(photos), unit="photos") as bar:
        seen = []
        for views, _ in photo_views(photos, run.photo_px, progress=progress):
            seen.append(see(run, views))
            bar.advance(len(views))
    return named_by_image(identifier, joined(seen), progress)


def months_of(request: LocateRequest, photos: Sequence[Path]) -> list[int | None]:
    """In which month each was taken: as it is given, or by its EXIF; None where neither says it."""
    if request.month is not None:
        return [request.month] * len(photos)
    taken = (exif_facts(photo_exif(photo)).taken for photo in photos)
    return [None if moment is None else moment.month for moment in taken]


def open_model(request: LocateRequest) -> tuple[RangeModel, Region]:
    """The range model that is named, and the cells where it is asked. Raises what `open_ranges` raises."""
    assert request.ranges is not None
    return open_ranges(RangesOptions(ranges=request.ranges, region=request.region))


def note_without_range(shown: Shown, progress: Progress) -> None:
    """Say which taxa photos may show that have no range here."""
    if shown.without_range:
        held = float(shown.elsewhere.mean())
        progress.note(
            f"{len(shown.without_range):,} taxa of the run are not in the range model, and photos of them may be from "
            f"any of its cells: {some_of(shown.without_range)}. They hold {held:.1%} of what the "
            "photos may show."
        )


def naming_temperature(request: LocateRequest, run: Run, progress: Progress) -> float:
    """By which a run's scores of taxa become probabilities: fitted where a dataset is named, or else its own."""
    if request.calibrate is None:
        own = own_temperature(run)
        if own is None:
            raise _without_temperature(run, "likeness to a taxon")
        return own
    dataset = Dataset(Path(request.calibrate))
    table = embed_split(run, dataset, "val", workers=request.workers, progress=progress)
    named = name_rows(run, dataset, "val", table, workers=request.workers, progress=progress)
    rows = np.flatnonzero(table.has_photo)
    return fit_naming(replace(named, score=named.score[rows]), [table.taxa[label] for label in table.labels[rows]])


def likeness_rule(
    request: LocateRequest, run: Run, region: Region, prior: PlacePrior | None, *, dated: bool, progress: Progress
) -> LocationPosterior:
    """How similarity becomes probability; dated: whether the photos' dates will be known."""
    if request.calibrate is None:
        learned = run.method.similarity_scale()
        if learned is None:
            raise _without_temperature(run, "a cosine")
        return LocationPosterior(scale=learned, prior=prior)
    table = embed_split(run, Dataset(Path(request.calibrate)), "val", workers=request.workers, progress=progress)
    rows = with_photo_and_place(table)
    year_fraction = table.year_fraction[rows] if dated else np.full(len(rows), np.nan)
    queries = Queries(embedding=table.photo[rows], year_fraction=year_fraction)
    return fit_scale(queries, table.lon_lat[rows], region, prior)


def place_prior(folder: AnyPath) -> PlacePrior:
    """Where the photos of a dataset were taken. Raises InputError where none of its places is known."""
    dataset = Dataset(Path(folder))
    train, val = (row_facts(dataset, split).lon_lat for split in ("train", "val"))
    return fit_place_prior(*(places[~np.isnan(places).any(axis=1)] for places in (train, val)))


def with_photo_and_place(table: EmbeddingTable) -> NDArray[np.int64]:
    """Rows that can be located and compared."""
    return np.flatnonzero(table.has_photo & ~np.isnan(table.lon_lat).any(axis=1))


def _without_temperature(run: Run, what: str) -> ConfigError:
    return ConfigError(
        f"{run.path} has learned no temperature of contrast, by which {what} becomes a probability; name a dataset to "
        "fit one on.",
        settings=("calibrate",),
    )
