"""How an authority lays its list out: how to recognise it, and what its columns say."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from birdsat.observations.readers.column_names import plain
from birdsat.observations.scientific_names import parse_name
from birdsat.observations.taxonomies.checklist import RANKS, ListedTaxon, Rank
from birdsat.observations.taxonomies.languages import language_of_column
from birdsat.observations.taxonomies.taxon_rows import Row, TaxonRows

NAME, SPECIES = "_name", "_species"  # what a layout puts into a row whose own cells do not say it
NAMES = ("sciname", "scientificname", "canonicalname", "taxon", "species", "taxonspeciesname", "binomial", "latinname")
FAMILIES = ("family", "familyname", "familysciname", "familyscientific", "familyscientificname")
ORDERS = ("order", "orderscientific")
RANK_COLUMNS = ("taxonrank", "rank", "category", "taxoncategory")
IDS = {  # of taxa in general, by the columns that hold them; a layout may have more
    "avibase": ("avibaseid", "taxonconceptid"),
    "ebird": ("speciescode", "ebirdcode", "speciescodecornelllab"),
    "gbif": ("specieskey", "taxonkey", "gbiftaxonid"),  # gbifID is that of a record,
    "inat": ("inattaxonid", "inaturalisttaxonid"),
    "birdlife": ("sisrecid", "spcrecid"),
    "itis": ("itistsn", "tsn"),
}
_AVIBASE = re.compile(r"(?:avibase[-:]?)?([0-9A-F]{8}(?:[0-9A-F]{8})?)", re.IGNORECASE)
_SUBSPECIES_RANKS = {"subspecies", "issf", "form", "group", "monotypic group", "polytypic group", "variety"} | {
    "group (monotypic)",
    "group (polytypic)",
    "domestic",
    "ssp",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """One authority's."""

    authority: str  # in file names and stamps
    title: str  # in sentences
    recognises: Callable[[frozenset[str]], bool]  # by the `plain` names of the columns
    names: tuple[str, ...] = NAMES  # `plain` columns that may hold the scientific name; the first that is there
    prefix: str = ""  # that columns may begin with, "ebird" of ebird_common_name
    ids: Mapping[str, tuple[str, ...]] | None = None  # beyond IDS
    rows: Callable[[TaxonRows], Iterator[Row]] = lambda table: table.read()  # rows that are complete by themselves
    rank: Callable[[Row], Rank | str] | None = None  # of a row; the reason where the row is left out
    synonyms: Callable[[Row], Iterable[str]] = lambda row: ()  # other scientific names of a row's taxon
    common_names: Callable[[Row], Iterable[tuple[str, str]]] = lambda row: ()  # beside those of columns of their own
    version: Callable[[TaxonRows], str] = lambda table: ""  # as the columns or the file's content say; "": unknown


def read_taxa(layout: Layout, table: TaxonRows) -> Iterator[ListedTaxon | str]:
    """The taxa of a table; for a row that is left out the reason."""
    present = [plain(column) for column in table.columns]
    columns = {_unprefixed(column, layout.prefix): column for column in reversed(present)} | {c: c for c in present}
    languages = [
        (plain(column), code)
        for column in table.columns
        if (code := language_of_column(_without_prefix(column, layout.prefix))) is not None
    ]
    languages.sort(key=lambda pair: pair[1] not in ("en", ""))
    name_column = _first(columns, layout.names) or "scientificname"
    family, order, ranks = (_first(columns, names) for names in (FAMILIES, ORDERS, RANK_COLUMNS))
    ids = [
        (kind, columns[name])
        for kind, names in (*(layout.ids or {}).items(), *IDS.items())
        for name in names
        if name in columns
    ]
    for row in layout.rows(table):
        written = row.get(NAME) or row.get(name_column, "")
        if not written:
            yield "no scientific name"
            continue
        found = rank_of(row.get(ranks, "") if ranks else "", written) if layout.rank is None else layout.rank(row)
        rank = next((one for one in RANKS if one == found), None)
        if rank is None:
            yield found
            continue
        if found == "subspecies":
            names = _spelled_out(written)
        elif (read := parse_name(written)).species is not None:
            names = [read.species]
        else:
            yield read.dropped
            continue
        species = row.get(SPECIES) or " ".join(names[0].split()[:2])
        common = [
            (code or "en", name)
            for column, code in languages
            for name in re.split(r"\s*;\s*", row.get(column, ""))
            if name
        ]
        common += layout.common_names(row)
        for name in names:
            yield ListedTaxon(
                name=name,
                species=species,
                rank=rank,
                ids=tuple(
                    dict.fromkeys(f"{kind}:{id}" for kind, column in ids if (id := id_of(kind, row.get(column, ""))))
                ),
                common_names=tuple(dict.fromkeys(common)),
                family=row.get(family, "") if family else "",
                order=row.get(order, "").title() if order else "",
            )
        for other in layout.synonyms(row):
            if (synonym := parse_name(other).full) is not None and synonym not in names:
                yield ListedTaxon(name=synonym, species=species, rank="synonym")


def rank_of(rank: str, name: str) -> Rank | str:
    """The rank that a cell says or, where it says nothing, that the name has; else why the row is left out."""
    said = rank.casefold()
    if said in ("species", "sp") or (not said and len(name.split()) == 2):
        return "species"
    if said in _SUBSPECIES_RANKS or (not said and len(name.split()) > 2):
        return "subspecies"
    return "not one species" if said in ("slash", "hybrid", "spuh", "intergrade") else "of another rank than species"


def _spelled_out(name: str) -> list[str]:
    """The subspecies that a group is named after: "Larus argentatus argentatus/argenteus" are two."""
    words = name.replace("[", "").replace(" Group]", "").replace("]", "").split()
    if len(words) < 3 or not words[2].replace("/", "").isalpha():
        return [" ".join(words)]
    return [" ".join([*words[:2], epithet]) for epithet in words[2].split("/") if epithet]


def id_of(kind: str, value: str) -> str:
    """An id as it is compared with others, from a cell; "" where there is none."""
    if kind == "avibase":
        found = _AVIBASE.fullmatch(value)
        return found[1].upper() if found else ""
    return value


def _first(columns: Mapping[str, str], names: Iterable[str]) -> str | None:
    return next((columns[name] for name in names if name in columns), None)


def _unprefixed(column: str, prefix: str) -> str:
    return column[len(prefix) :] if prefix and column.startswith(prefix) and column != prefix else column


def _without_prefix(column: str, prefix: str) -> str:
    return re.sub(rf"^{prefix}_", "", column, flags=re.IGNORECASE) if prefix else column
