"""Which list of taxa the names of a request's tables are brought to."""

from collections.abc import Collection, Mapping
from pathlib import Path

from birdsat.errors import some_of
from birdsat.observations.taxonomies.crosswalk import Crosswalk
from birdsat.observations.taxonomies.mapping import read_mapping
from birdsat.observations.taxonomies.open_checklist import open_checklist
from birdsat.observations.taxonomies.places import BY_PLACE, SpeciesRanges
from birdsat.observations.taxonomies.two_names import two_names
from birdsat.progress import Progress
from birdsat.workflows.requests.taxonomies import TaxonomyOptions

BETWEEN = "avilist"  # what ships with birdsat, and may know of names what neither list does


def open_crosswalk(options: TaxonomyOptions) -> Crosswalk | None:
    """From names to the list that is asked for; None where none is. Raises InputError for lists that cannot be read."""
    if options.taxonomy is None:
        return None
    return Crosswalk(
        open_checklist(options.taxonomy),
        follows=None if options.follows is None else open_checklist(options.follows, setting="follows"),
        through=[open_checklist(BETWEEN)],
        mapping=None if options.mapping is None else read_mapping(Path(options.mapping)),
        ranges=None if options.range_folder is None else SpeciesRanges(Path(options.range_folder)),
    )


def say_names(taxa: Collection[str], noted: Mapping[str, int], crosswalk: Crosswalk | None, progress: Progress) -> None:
    """Note what became of the names of tables, and birds that they have under names of two authorities."""
    if crosswalk is not None:
        for reason, rows in noted.items():
            if crosswalk.new.name in reason or reason == BY_PLACE:
                progress.note(f"{rows:,} {'row' if rows == 1 else 'rows'}: {reason}")
        for name in taxa:
            if name in crosswalk.unresolved:
                may_be = ", ".join(crosswalk.unresolved[name])
                progress.note(f"records that may be any of {may_be} are kept apart as {name!r}.")
        doubled = [" and ".join(names) for names in crosswalk.two_names().values()]
        done, remedy = "brought together", ""
    else:
        doubled = [f"{former} and {name}" for former, name in two_names(taxa).items()]
        done, remedy = "taken for two", " Give a taxonomy to bring them together."
    if doubled:
        birds = "1 bird has" if len(doubled) == 1 else f"{len(doubled):,} birds have"
        progress.note(f"{birds} names of two authorities in the tables, {done}: {some_of(doubled, 3)}.{remedy}")
