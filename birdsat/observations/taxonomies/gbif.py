"""GBIF's backbone taxonomy: Taxon.tsv of its archive, synonyms included, with VernacularName.tsv beside it."""

from collections.abc import Iterator

from birdsat.observations.taxonomies.checklist import Rank
from birdsat.observations.taxonomies.layout import NAMES, SPECIES, Layout, rank_of
from birdsat.observations.taxonomies.taxon_rows import Row, TaxonRows
from birdsat.observations.taxonomies.vernaculars import vernaculars, with_vernaculars

_OWN = {"taxonid", "scientificname", "taxonrank", "taxonomicstatus", "acceptednameusageid"}


def _rows(table: TaxonRows) -> Iterator[Row]:
    """Each synonym with the species that its accepted name is, or is a part of; with their common names."""
    birds = list(table.read())
    names = {row["taxonid"]: _name(row) for row in birds if not row.get("acceptednameusageid")}
    for row in birds:
        if accepted := row.get("acceptednameusageid"):
            row[SPECIES] = " ".join(names.get(accepted, "").split()[:2])
    yield from with_vernaculars(table, birds, id_of=lambda row: row["taxonid"])


def _name(row: Row) -> str:
    return row.get("canonicalname") or row.get("scientificname", "")


def _rank(row: Row) -> Rank | str:
    rank = rank_of(row.get("taxonrank", ""), _name(row))
    if rank not in ("species", "subspecies"):
        return rank
    if row.get("acceptednameusageid"):
        return "synonym" if row[SPECIES] else "a synonym of another rank than species"
    if row.get("taxonomicstatus", "").casefold() not in ("accepted", ""):
        return "of doubtful status"
    return rank


TAXONOMY = Layout(
    authority="gbif",
    title="GBIF backbone",
    recognises=lambda columns: columns >= _OWN,
    names=("canonicalname", *NAMES),
    ids={"gbif": ("taxonid",)},
    rows=_rows,
    common_names=vernaculars,
    rank=_rank,
)
