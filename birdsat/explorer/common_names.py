"""What birds are called in the language of whoever looks: by a list that has it, or else as the model learned it."""

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from birdsat.observations.taxonomies.languages import language_code

if TYPE_CHECKING:
    from birdsat.observations.taxonomies.checklist import Checklist

_OWN_LIST = "avilist"  # ships with birdsat: English names, for models that were fitted without any


class CommonNames:
    """Of scientific names, from one list that is opened when it is first needed."""

    def __init__(self, taxonomy: str | None) -> None:
        """taxonomy: a file or a name, as `birdsat fit` takes it. Raises InputError where there is no such list."""
        self._is_named = taxonomy is not None
        self._source = taxonomy or _OWN_LIST
        self._lock = threading.Lock()
        if taxonomy is not None:
            from birdsat.observations.taxonomies.open_checklist import find_checklist

            find_checklist(taxonomy)

    def of(self, taxa: Sequence[str], own: Mapping[str, str], language: str) -> dict[str, str]:
        """Taxon -> common name, those that have one. own: the model's; language: a code as browsers have it, de-AT;
        "" where nobody said."""
        if not self._is_named and own:  # a list of English names has nothing to add
            return dict(own)
        code = language_code(language) if language else ""
        names: dict[str, str] = {}
        for taxon in taxa:
            listed = self._names(taxon)
            asked = listed.get(code) or listed.get(code.partition("-")[0]) if code else None
            if found := asked or own.get(taxon) or listed.get("en") or next(iter(listed.values()), ""):
                names[taxon] = found
        return names

    def _names(self, taxon: str) -> Mapping[str, str]:
        from birdsat.observations.scientific_names import species_name

        with self._lock:
            found = self._list.species.get(species_name(taxon))
        return {} if found is None else dict(reversed(found.common_names))

    @cached_property
    def _list(self) -> "Checklist":
        from birdsat.observations.taxonomies.open_checklist import open_checklist

        return open_checklist(self._source)
