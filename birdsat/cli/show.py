"""What a finished verb prints: one function a verb, from its result record."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from birdsat.cli.console import print_table
from birdsat.metrics import figure_texts
from birdsat.tables import Table

if TYPE_CHECKING:  # only the verb that ran is imported
    from birdsat.explorer.serve import ExploreResult
    from birdsat.workflows.check_dataset import CheckResult
    from birdsat.workflows.classify import ClassifyResult
    from birdsat.workflows.clean_records import RecordsResult
    from birdsat.workflows.compare import CompareResult
    from birdsat.workflows.demo.run import DemoResult
    from birdsat.workflows.describe_dataset import DatasetResult
    from birdsat.workflows.embed_region import RegionResult
    from birdsat.workflows.embed_split import SplitResult
    from birdsat.workflows.evaluate_disdat import EvaluateDisdatResult
    from birdsat.workflows.evaluate_identify import EvaluateIdentifyResult
    from birdsat.workflows.evaluate_ranges import EvaluateRangesResult
    from birdsat.workflows.evaluate_virtual import EvaluateVirtualResult
    from birdsat.workflows.export import ExportResult
    from birdsat.workflows.fit_ranges import FitResult
    from birdsat.workflows.gaps import GapsResult
    from birdsat.workflows.identify import IdentifyResult
    from birdsat.workflows.import_weights import ImportResult
    from birdsat.workflows.locate import LocateResult
    from birdsat.workflows.map_report import ReportResult
    from birdsat.workflows.map_result import MapResult
    from birdsat.workflows.match_taxa import MatchTaxaResult
    from birdsat.workflows.pretrain import PretrainResult
    from birdsat.workflows.range_products import RangeResult
    from birdsat.workflows.recipes import RecipesResult
    from birdsat.workflows.replay import ReplayResult
    from birdsat.workflows.retrieve import RetrieveResult
    from birdsat.workflows.review import ReviewResult
    from birdsat.workflows.richness import RichnessResult
    from birdsat.workflows.species import SpeciesResult
    from birdsat.workflows.taxa import TaxaResult
    from birdsat.workflows.teach import TeachResult


_MOST_TAXA = 40  # that are shown one by one


def fit(result: FitResult) -> None:
    """The size of the model and its figures."""
    facts = result.model.facts
    of_taxa = "1 taxon" if len(facts.taxa) == 1 else f"{len(facts.taxa):,} taxa"
    print(f"{of_taxa}, {sum(facts.points):,} records: {result.folder}")
    print(*_figures(result.model.evaluation), sep="\n")
    if (taxa := result.taxa_table()) is not None and len(facts.taxa) <= _MOST_TAXA:
        print_table(taxa)
    for table in result.explanation.tables():
        print_table(table)


def map_(result: MapResult) -> None:
    """The files; on stderr the figures of the model, and which taxa failed."""
    for number, one in enumerate(result.maps):
        of_model = {name: value for name, value in one.evaluation.items() if not name.startswith("taxon_")}
        if number == 0 and of_model:
            print(*_figures(of_model), sep="\n", file=sys.stderr)
        own = figure_texts(one.evaluation)
        if (auc := own.get("taxon_held_out_auc")) is not None:
            even = own["taxon_held_out_auc_even"]
            print(f"{one.taxon}: held-out AUC {auc}, {even} against even background", file=sys.stderr)
        elif "held_out_auc" in of_model:
            print(f"birdsat: {one.taxon}: no figures of its own; those above are of other taxa.", file=sys.stderr)
    for taxon, reason in result.failed.items():
        print(f"birdsat: {taxon} is not mapped: {reason}", file=sys.stderr)
    for file in result.files:
        print(file)


def range_(result: RangeResult) -> None:
    """The ranges, their extents and the files; on stderr which maps failed."""
    for map_file, reason in result.failed.items():
        print(f"birdsat: no range of {map_file}: {reason}", file=sys.stderr)
    if result.ranges:
        for table in result.tables():
            print_table(table)
    print(*result.files, sep="\n")


def report(result: ReportResult) -> None:
    """The file."""
    print(result.file)


def records(result: RecordsResult) -> None:
    """What became of the rows, and the files."""
    print_table(result.table())
    print(*result.files, sep="\n")


def richness(result: RichnessResult) -> None:
    """The files."""
    print(*result.files, sep="\n")


def gaps(result: EvaluateVirtualResult | GapsResult | LocateResult | SpeciesResult) -> None:
    """The table of a report, and the files with all of it."""
    print_table(result.report.table())
    for file in result.files:
        print(file)


evaluate_virtual = locate = species = gaps


def embed(result: RegionResult | SplitResult) -> None:
    """How much was embedded, and where it lies."""
    from birdsat.workflows.embed_split import SplitResult

    if isinstance(result, SplitResult):
        print(f"{result.rows:,} rows: {result.file}")
        return
    region = result.region
    if region.manifest.settings.given:
        print(f"{len(region):,} cells of {region.chip_width:,} numbers, {region.run}: {region.folder}")
        return
    missed = region.manifest.season_missed_largest
    print(f"{len(region):,} cells; their annual cycle is right to {missed:.4f}: {region.folder}")


def evaluate_ranges(result: EvaluateRangesResult) -> None:
    """A table for each way of learning, and the files."""
    for table in result.tables():
        print_table(table)
    print(*result.files, sep="\n")


def evaluate_disdat(result: EvaluateDisdatResult) -> None:
    """A table of each region, and the files."""
    for table in result.report.tables():
        print_table(table)
    print(*result.files, sep="\n")


def data_info(result: DatasetResult) -> None:
    """What the dataset holds."""
    from birdsat.dataset.card import describe, summary

    print(summary(result.manifest))
    for table in describe(result.manifest):
        print_table(table)


data_build = data_virtual = data_chips = data_info


def data_check(result: CheckResult) -> None:
    """What was checked, then what is wrong."""
    from birdsat.workflows.check_dataset import RegionReport

    report = result.report
    if isinstance(report, RegionReport):
        print(f"{report.parts:,} parts, {report.cells:,} cells: as they were written")
        return
    checked = f"decoded {report.photos:,} photos and {report.chips:,} chips"
    print(f"{report.shards:,} shards, {report.rows:,} rows; {checked}")
    print(*report.problems, f"{report.problem_count:,} problems", sep="\n")


def demo(result: DemoResult) -> None:
    """What the demo had to show, and where its page is."""
    print_table(result.bars)
    print(f"The report is {result.page}")


def explore(result: ExploreResult) -> None:
    """Of a static site, its first page; a server that ended has nothing to say."""
    for file in result.files[:1]:
        print(file)


serve = explore


def pretrain(result: PretrainResult) -> None:
    """Where the run lies; of several processes, one says so."""
    if result.leads:
        print(f"trained: {result.run.path}")


def evaluate_identify(result: EvaluateIdentifyResult) -> None:
    """Its tables."""
    for table in result.report.tables():
        print_table(table)


def teach(result: TeachResult) -> None:
    """What is taught now."""
    print_table(result.table())


def review(result: ReviewResult) -> None:
    """The file, and how many rows are new."""
    apart = f", {result.not_birds:,} of them of no bird, kept apart" if result.not_birds else ""
    print(f"{result.added:,} corrections added, {result.rows:,} in all{apart}: {result.file}")
    if result.rows > result.not_birds:
        run, file, root = (shlex.quote(str(path)) for path in (result.file.parent, result.file, result.root))
        print(f"learn from them:         birdsat teach {run} {file}")
        print(f"make a dataset of them:  birdsat data build FOLDER --table {file} --photos {root}")


def replay(result: ReplayResult) -> None:
    """Where the run lies, and whether it is the same."""
    if result.leads:
        said = {True: "the same weights as", False: "other weights than", None: "made as"}[result.same]
        print(f"{said} {result.original}: {result.run.path}")


def classify(result: ClassifyResult) -> None:
    """A table for each way of classifying."""
    for report in result.reports:
        print_table(report.table())
        if result.per_taxon:
            best = report.best
            print_table(report.taxon_table(best.classifier, best.inputs))


def identify(result: IdentifyResult) -> None:
    """The first photos where all of them can be shown, and a last line that a script can read."""
    if result.photos == len(result.first):
        print_table(result.table())
    print(result.line)


def retrieve(result: RetrieveResult) -> None:
    """The table of recalls."""
    print_table(result.report.table())


def compare(result: CompareResult) -> None:
    """The table, and where it is written."""
    print_table(result.table())
    print(*result.files, sep="\n")


def export(result: ExportResult) -> None:
    """What each file takes and gives, and the files."""
    print_table(result.table())
    print(*result.files, sep="\n")


def import_(result: ImportResult) -> None:
    """What the checkpoint was, and what of it was taken."""
    method = result.run.config.method
    seen = [f"{px} px {name}" for name, px in (("photos", method.photo_px), ("chips", method.chip_px)) if px]
    print(f"{result.kind}, {' and '.join(seen)}: {result.run.path}")
    if result.unused:
        print(f"not needed and left out: {len(result.unused)} tensors, such as {result.unused[0]}")
    if result.taxa is not None:
        print(f"{result.taxa:,} taxa learned")


def recipes(result: RecipesResult) -> None:
    """What each is for, or the settings of one as JSON."""
    if result.settings is not None:
        print(json.dumps(result.settings, indent=2))
        return
    table = Table(columns=["recipe", "what it is"], words=2)
    for name, line in result.lines.items():
        table.add_row(name, line)
    print_table(table)


def taxa(result: TaxaResult) -> None:
    """A line a taxon: its name, and its photos or records."""
    for taxon, count in result.counts.items():
        print(f"{taxon}\t{count}")


def taxa_match(result: MatchTaxaResult) -> None:
    """How many names changed in which way, and the files."""
    print_table(result.table())
    print(*result.files, sep="\n")


def _figures(evaluation: Mapping[str, float]) -> list[str]:
    return [f"{name.replace('_', ' ')}: {shown}" for name, shown in figure_texts(evaluation).items()]
