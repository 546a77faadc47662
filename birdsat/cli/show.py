"""What a finished verb prints: one function a verb, from its result record."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from birdsat.cli.console import print_table

if TYPE_CHECKING:  # only the verb that ran is imported
    from birdsat.workflows.embed_region import RegionResult
    from birdsat.workflows.embed_split import SplitResult
    from birdsat.workflows.evaluate_ranges import EvaluateRangesResult
    from birdsat.workflows.evaluate_virtual import EvaluateVirtualResult
    from birdsat.workflows.fit_ranges import FitResult
    from birdsat.workflows.gaps import GapsResult
    from birdsat.workflows.locate import LocateResult
    from birdsat.workflows.map_taxon import MapResult
    from birdsat.workflows.richness import RichnessResult
    from birdsat.workflows.species import SpeciesResult


def fit(result: FitResult) -> None:
    """The size of the model and its figures."""
    facts = result.model.facts
    print(f"{len(facts.taxa):,} taxa, {sum(facts.points):,} records: {result.folder}")
    print(*_figures(result.model.evaluation), sep="\n")


def map_(result: MapResult) -> None:
    """The files; on stderr the figures of the model, and which taxa failed."""
    if result.maps and (figures := _figures(result.maps[0].evaluation)):
        print(*figures, sep="\n", file=sys.stderr)
    for taxon, reason in result.failed.items():
        print(f"birdsat: {taxon} is not mapped: {reason}", file=sys.stderr)
    for file in result.files:
        print(file)


def richness(result: RichnessResult) -> None:
    """The files."""
    print(*result.files, sep="\n")


def species(result: SpeciesResult) -> None:
    """The taxa, and the files."""
    print_table(result.report.table())
    for file in result.files:
        print(file)


def gaps(result: GapsResult) -> None:
    """The most promising, and the file with all."""
    print_table(result.report.table())
    print(*result.files, sep="\n")


def locate(result: LocateResult) -> None:
    """The likeliest cells, or how well photos are located."""
    print_table(result.report.table())
    print(*result.files, sep="\n")


def embed(result: RegionResult | SplitResult) -> None:
    """How much was embedded, and where it lies."""
    from birdsat.workflows.embed_split import SplitResult

    if isinstance(result, SplitResult):
        print(f"{result.rows:,} rows: {result.file}")
        return
    region = result.region
    missed = region.manifest.season_missed_largest
    print(f"{len(region):,} cells; their annual cycle is right to {missed:.4f}: {region.folder}")


def evaluate_ranges(result: EvaluateRangesResult) -> None:
    """A table for each way of learning, and the files."""
    for table in result.tables():
        print_table(table)
    print(*result.files, sep="\n")


def evaluate_virtual(result: EvaluateVirtualResult) -> None:
    """Residents and migrants, and the file."""
    for table in result.tables():
        print_table(table)
    print(*result.files, sep="\n")


def _figures(evaluation: Mapping[str, float]) -> list[str]:
    return [f"{name.replace('_', ' ')}: {value:.3g}" for name, value in evaluation.items()]
