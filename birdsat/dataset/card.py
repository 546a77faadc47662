"""The data card (README.md of a dataset's folder), and the same facts for the console."""

from collections.abc import Sequence
from pathlib import Path

from birdsat.dataset.manifest import CARD_FILE, DROPPED_FILE, Count, Manifest
from birdsat.files import write_atomic
from birdsat.imagery.ground_sizes import sizes_text
from birdsat.imagery.photos import RGB
from birdsat.markdown import markdown_block, markdown_text, yaml_text
from birdsat.observations.observation import NO_BIRD
from birdsat.observations.taxonomy import Taxon
from birdsat.tables import Table, markdown_table

_TAXA_SHOWN = 50


def write_card(manifest: Manifest, folder: Path) -> None:
    """Write README.md, whole or not at all. Its YAML head is what the Hugging Face hub reads."""
    write_atomic(folder / CARD_FILE, card(manifest))


def card(manifest: Manifest) -> str:
    """The data card as Markdown."""
    splits = [counts.split for counts in manifest.counts if counts.rows]
    head = ["---", f"pretty_name: {yaml_text(manifest.title)}", "task_categories:", "- image-classification"]
    head += [
        "tags:",
        "- biology",
        "- birds",
        "- birdsat",
        "configs:",
        "- config_name: default",
        "  data_files:",
    ]
    head += [f"  - split: {split}\n    path: {split}-*.parquet" for split in splits]
    parts = ["\n".join([*head, "---"]), f"# {markdown_text(manifest.title)}", _introduction(manifest)]
    parts += [markdown_text(manifest.completeness)] if manifest.completeness else []
    parts += ["## Splits", markdown_table(_SPLIT_HEAD, _split_rows(manifest))]
    parts += ["## Taxa", _taxa(manifest)]
    parts += ["## Licences", f"Of the dataset: {markdown_text(manifest.licence or 'not stated')}. Of its rows:"]
    parts += [markdown_table(("licence", "rows"), _count_rows(manifest.licences))]
    if manifest.sources:
        parts += ["## Sources", "\n".join(f"- {markdown_text(source)}" for source in manifest.sources)]
    parts += ["## Images", _images(manifest)]
    parts += ["## Curation", _curation(manifest)]
    if manifest.command:
        parts += ["## Built by", markdown_block(manifest.command)]
    return "\n\n".join(parts) + "\n"


def describe(manifest: Manifest) -> list[Table]:
    """What a dataset holds, as tables."""
    curation = [("rows dropped", manifest.dropped), ("rows kept with a remark", manifest.remarked)]
    return [
        _table("splits", _SPLIT_HEAD, _split_rows(manifest)),
        _table("images", _BAND_HEAD, _band_rows(manifest)),
        _table("taxa", _TAXON_HEAD, _taxon_rows(manifest)),
        _table("licences", ("licence", "rows"), _count_rows(manifest.licences)),
        *(_table(title, ("reason", "rows"), _count_rows(counts)) for title, counts in curation if counts),
    ]


def summary(manifest: Manifest) -> str:
    """A dataset in one line."""
    size = sum(shard.size_bytes for shard in manifest.shards) / 2**20
    return (
        f"{manifest.title}: {manifest.rows():,} rows, {len(manifest.taxa):,} taxa, "
        f"{len(manifest.shards):,} shards, {size:,.1f} MiB"
    )


_SPLIT_HEAD = ("split", "rows", "photos", "chips", "places", "dates", "taxa")
_TAXON_HEAD = ("label", "taxon", "common name", "family", "train", "val", "test")
_BAND_HEAD = ("image", "mean R, G, B", "std R, G, B")


def _introduction(manifest: Manifest) -> str:
    chips = ""
    if manifest.chip_px is not None:
        sizes = sizes_text(manifest.chip_ground_km).replace(" and ", " or ")
        chips = f" Chips are {manifest.chip_px} px and show {sizes} of ground, north up."
    if [taxon.name for taxon in manifest.taxa] == [NO_BIRD]:
        return (
            f"Satellite chips of {manifest.rows():,} places, to learn from them alone: nothing was observed there, so "
            f"that photo and date are null and the taxon of every row is {NO_BIRD!r}. Places are in WGS84 degrees."
            f"{chips} Read with `birdsat`, or with any Parquet reader."
        )
    return (
        f"{manifest.rows():,} observations of {len(manifest.taxa):,} bird taxa: a photo, a satellite "
        "chip of the place, the place (WGS84 degrees), the date and the taxon; what is not known is null."
        f"{chips} Read with `birdsat`, or with any Parquet reader."
    )


def _taxa(manifest: Manifest) -> str:
    rows = _taxon_rows(manifest)
    parts = [f"Named by {manifest.named_by}."] if manifest.named_by else []
    parts.append(markdown_table(_TAXON_HEAD, rows[:_TAXA_SHOWN]))
    if len(rows) > _TAXA_SHOWN:
        parts.append(f"and {len(rows) - _TAXA_SHOWN:,} more.")
    return "\n\n".join(parts)


def _images(manifest: Manifest) -> str:
    size = "as they came" if manifest.photo_px is None else f"with a shorter side of at most {manifest.photo_px} px"
    table = markdown_table(_BAND_HEAD, _band_rows(manifest))
    return f"Photos are {size}. Statistics over train, on a 0..1 scale:\n\n{table}"


def _curation(manifest: Manifest) -> str:
    if not manifest.dropped and not manifest.remarked:
        return "No row was dropped."
    rows = [(*row, "dropped") for row in _count_rows(manifest.dropped)]
    rows += [(*row, "kept") for row in _count_rows(manifest.remarked)]
    return f"{markdown_table(('reason', 'rows', 'outcome'), rows)}\n\nThe rows are listed in {DROPPED_FILE}."


def _split_rows(manifest: Manifest) -> list[tuple[str, ...]]:
    return [
        (
            counts.split,
            *(f"{n:,}" for n in (counts.rows, counts.photos, counts.chips, counts.places, counts.dates)),
            f"{sum(rows > 0 for rows in counts.taxon_rows):,}",
        )
        for counts in manifest.counts
    ]


def _taxon_rows(manifest: Manifest) -> list[tuple[str, ...]]:
    def row(label: int, taxon: Taxon) -> tuple[str, ...]:
        rows = (f"{counts.taxon_rows[label]:,}" for counts in manifest.counts)
        return str(label), taxon.name, taxon.common_name, taxon.family, *rows

    return [row(label, taxon) for label, taxon in enumerate(manifest.taxa)]


def _band_rows(manifest: Manifest) -> list[tuple[str, ...]]:
    def text(values: RGB | None) -> str:
        return "none in train" if values is None else ", ".join(f"{value:.3f}" for value in values)

    return [
        ("photo", text(manifest.photo_mean), text(manifest.photo_std)),
        ("chip", text(manifest.chip_mean), text(manifest.chip_std)),
    ]


def _count_rows(counts: Sequence[Count]) -> list[tuple[str, ...]]:
    return [(count.name or "not stated", f"{count.rows:,}") for count in counts]


def _table(title: str, head: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    return Table(title=title, columns=list(head), sections=[list(rows)])
