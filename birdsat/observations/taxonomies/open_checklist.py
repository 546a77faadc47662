"""An authority's list by its name or from a file, with its version."""

import re
from collections import Counter
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from birdsat.errors import InputError, nearest
from birdsat.files import file_sha256
from birdsat.observations.taxonomies.checklist import Checklist, ListedTaxon
from birdsat.observations.taxonomies.layout import Layout, read_taxa
from birdsat.observations.taxonomies.registry import layouts
from birdsat.observations.taxonomies.taxon_rows import TaxonRows, open_taxon_rows

_PACKAGE = "birdnames"  # on PyPI, MIT: the authorities' lists as tables
_PACKAGED = re.compile(r"(?P<authority>[a-z]+)_(?P<version>\d{4})_taxonomy\.csv")
_VERSIONS = (  # as file names write them, the plainest first
    re.compile(r"(?<![a-z])v(?:ersion)?[ ._-]*(\d+(?:[._]\d+)*)", re.IGNORECASE),
    re.compile(r"(?<!\d)((?:19|20)\d\d(?:\.\d+)?)(?!\d)"),
    re.compile(r"(?<!\d)(\d{1,2}\.\d{1,2})(?!\d)"),
)


def open_checklist(source: str | Path, *, setting: str = "taxonomy") -> Checklist:
    """The list that a word or a path means: avilist, ebird@2021, my_list.csv, clements.csv@2024.

    A name is looked for among the lists that ship with birdsat and those of the PyPI package birdnames, the latest
    version unless one is given. A file says what it is by its columns. Raises InputError, of the request's field
    `setting`, where there is no such list.
    """
    try:
        path, version = find_checklist(str(source))
        return _packaged(path, version) if path in available_checklists().values() else _opened(path, version)
    except InputError as error:
        error.settings = error.settings or (setting,)
        raise


def _opened(path: Path, version: str) -> Checklist:
    table = open_taxon_rows(path)
    layout = next((one for one in layouts() if one.recognises(table.plain_columns)), None)
    if layout is None:
        raise InputError(
            f"{path} is not a list of taxa: none of its columns ({', '.join(table.columns[:12])}) holds scientific "
            "names. Call one of them scientific_name."
        )
    return _read(layout, table, version)


_packaged = lru_cache(maxsize=2)(_opened)  # what is installed does not change, and every table that is read asks for it


def available_checklists() -> dict[str, Path]:
    """The lists that have a name, as authority@version, oldest first."""
    found: dict[str, Path] = {}
    folders = [Path(__file__).parent / "lists"]
    package = find_spec(_PACKAGE)  # without importing it, which needs pandas
    if package is not None:
        folders += [Path(place) / "data" / "processed" for place in package.submodule_search_locations or ()]
    for folder in folders:
        for file in sorted(folder.glob("*_taxonomy.csv*")):
            if match := _PACKAGED.fullmatch(file.name.removesuffix(".gz")):
                found.setdefault(f"{match['authority']}@{match['version']}", file)
    return dict(sorted(found.items()))


def is_checklist(table: TaxonRows) -> bool:
    """Whether a table is laid out as an authority's list; those of one's own may be anything with names."""
    return any(one.authority and one.recognises(table.plain_columns) for one in layouts())


def find_checklist(source: str) -> tuple[Path, str]:
    """The file or folder that a word or a path means, and the version given with it. Raises as `open_checklist`."""
    if Path(source).exists():
        return Path(source), ""
    name, at, version = source.rpartition("@")
    if at and Path(name).exists():
        return Path(name), version
    named = available_checklists()
    wanted = source.casefold()
    versions = [key for key in named if key == wanted or key.partition("@")[0] == wanted]
    if versions:
        return named[versions[-1]], versions[-1].partition("@")[2]
    if any(mark in source for mark in "./\\"):
        raise InputError(f"list of taxa {source} is absent; give a file, or one of {', '.join(named)}.")
    more = "" if find_spec(_PACKAGE) else " More come with `pip install 'birdsat[taxonomies]'`."
    raise InputError(
        f"taxonomy {source!r} is not known{nearest(wanted, named)}; give one of {', '.join(named)}, or a file.{more}"
    )


def _read(layout: Layout, table: TaxonRows, version: str) -> Checklist:
    authority, title = layout.authority, layout.title
    if not authority:
        authority = _own_authority(table.path)
    left_out: Counter[str] = Counter()
    taxa: list[ListedTaxon] = []
    for taxon in read_taxa(layout, table):
        if isinstance(taxon, str):
            left_out[taxon] += 1
        else:
            taxa.append(taxon)
    try:
        return Checklist(
            taxa,
            authority=authority,
            version=version or layout.version(table) or _version_in_name(table.path) or _fingerprint(table.path),
            title=title or authority,
            left_out=left_out,
        )
    except InputError as error:
        raise InputError(f"{table.path}: {error}") from error


def _own_authority(path: Path) -> str:
    """What a list of one's own is called: by its file, without version and ending."""
    packaged = _PACKAGED.fullmatch(path.name.removesuffix(".gz"))
    if packaged:
        return packaged["authority"]
    return path.name.partition(".")[0] or path.name


def _version_in_name(path: Path) -> str:
    stem = re.sub(r"(\.(csv|tsv|txt|gz|zip|xlsx?|xlsm|ods|xml|parquet|dwca))+$", "", path.name, flags=re.IGNORECASE)
    return next((found[1].replace("_", ".") for pattern in _VERSIONS if (found := pattern.search(stem))), "")


def _fingerprint(path: Path) -> str:
    """What tells a list without a version from others: the beginning of its SHA-256."""
    return "of no version" if path.is_dir() else f"sha256:{file_sha256(path)[:12]}"
