"""Taxa that maps are asked of: which can still be made, which are made already, and why others cannot be."""

from collections.abc import Callable, Sequence

from birdsat.errors import BirdsatError, UnknownTaxonError
from birdsat.observations.scientific_names import species_name
from birdsat.observations.taxonomies.crosswalk import Crosswalk
from birdsat.workflows.map_formats import file_name
from birdsat.workflows.map_outputs import MadeMap, Outputs


class AskedTaxa:
    """The taxa that were asked for and can still be mapped, and why others cannot. One asked alone raises its error."""

    def __init__(self, asked: Sequence[str]) -> None:
        self.left = list(dict.fromkeys(map(species_name, asked)))
        self.failed: dict[str, str] = {}
        self.made: dict[str, MadeMap] = {}  # by the same request before
        self._alone = len(asked) == 1

    def find_made(self, outputs: Outputs) -> None:
        """Take note of maps that are there; taxa are not kept whose map something else made."""

        def find(taxon: str) -> None:
            if (made := outputs.made_before(file_name(taxon))) is not None:
                self.made[taxon] = made

        self.made.clear()
        self.keep(find)

    def keep(self, check: Callable[[str], object]) -> None:
        """Those of which a check raises no error."""
        for taxon in tuple(self.left):
            try:
                check(taxon)
            except BirdsatError as error:
                if self._alone:
                    raise
                self.left.remove(taxon)
                self.failed[taxon] = str(error)

    def rename(self, find: Callable[[str], str]) -> None:
        """Call those by the names that they have where they are looked for that were asked for by another name, such as
        a common one; those that are not there are not kept."""
        found: dict[str, str] = {}
        self.keep(lambda taxon: found.update({taxon: find(taxon)}))
        self.left = list(
            dict.fromkeys(taxon if species_name(found[taxon]) == taxon else found[taxon] for taxon in self.left)
        )


def found_among(taxa: Sequence[str], named: Callable[[str], str], crosswalk: Crosswalk | None) -> Callable[[str], str]:
    """What finds a taxon asked for among some, also where these have another name for it than the list asked for.

    It raises UnknownTaxonError with the nearest names of the taxa, or of the list where that does not know it either.
    """
    if crosswalk is None:
        return named
    by_name = {crosswalk.name_of(taxon): taxon for taxon in reversed(taxa)}

    def find(taxon: str) -> str:
        if taxon in by_name:
            return by_name[taxon]
        try:
            return named(taxon)
        except UnknownTaxonError:
            crosswalk.find(taxon)  # which has more names to offer
            raise

    return find
