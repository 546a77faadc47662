"""The illustrated parts of the demo's page, drawn from what the demo found. Rows are drawn at random, not chosen."""

import html
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from birdsat.dataset.batch import Batch
from birdsat.dataset.read import RowFacts, read_rows, row_facts
from birdsat.dataset.row_groups import Dataset
from birdsat.earth.months import month_of
from birdsat.embeddings.inference import inference
from birdsat.embeddings.table import EmbeddingTable
from birdsat.imagery.virtual_imagery import virtual_land
from birdsat.maps.description import SCORE
from birdsat.maps.photo_scores import MapScores
from birdsat.methods.method import Reconstruction
from birdsat.pictures.demo import (
    WITH,
    WITHOUT,
    figure_address,
    image_address,
    learning_curves,
    reconstruction_rows,
    two_ranges,
)
from birdsat.pictures.map_picture import draw_map
from birdsat.pictures.neighbours import of_several_labels, where_and_when
from birdsat.pictures.panel import MapPoints
from birdsat.training.metrics import read_metrics
from birdsat.training.run_folder import Run
from birdsat.virtual.world import VirtualWorld

SAMPLES, REBUILT, QUERIES, ANSWERS = 6, 8, 4, 5
RESIDENTS, PHOTOS_OF_LOOKALIKE = 2, 2
RESIDENT_MONTHS: tuple[int, ...] = (7,)
MIGRANT_MONTHS: tuple[int, ...] = (1, 7)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What the illustrations are drawn from."""

    world: VirtualWorld
    dataset: Dataset
    run: Run  # with metadata
    bare_run: Run  # without
    test: EmbeddingTable  # of `run`
    maps: MapScores  # of map_taxa, January to December
    map_taxa: tuple[str, ...]
    truth: NDArray[np.bool_]  # (taxa, months, rows, columns)
    land: NDArray[np.bool_]  # (rows, columns)


def illustrate(findings: Findings) -> dict[str, str]:
    """The parts of the page by name, as HTML."""
    random = np.random.default_rng(findings.world.seed)
    gallery = _Gallery(findings, random)
    return {
        "samples": gallery.samples(),
        "curves": _image(
            learning_curves(read_metrics(findings.run.path), read_metrics(findings.bare_run.path)),
            "Learning curves of the two runs",
        ),
        "reconstructions": gallery.reconstructions(),
        "photo_to_chip": gallery.neighbours("photo to chip"),
        "chip_to_photo": gallery.neighbours("chip to photo"),
        "maps": _maps(findings),
        "lookalikes": gallery.lookalikes(),
    }


class _Gallery:
    """Pictures of single test rows."""

    def __init__(self, findings: Findings, random: np.random.Generator) -> None:
        self._findings = findings
        self._facts: RowFacts = row_facts(findings.dataset, "test")
        self._taxa = findings.dataset.manifest.taxa
        rows = random.permutation(len(self._facts.ids)).tolist()
        self._sampled = self._of_several_taxa(rows, SAMPLES)
        self._rebuilt = self._of_several_taxa(random.permutation(rows).tolist(), REBUILT)
        self._queries = {
            way: self._of_several_taxa(random.permutation(rows).tolist(), QUERIES)
            for way in ("photo to chip", "chip to photo")
        }
        self._answers = {way: self._nearest(way, queries) for way, queries in self._queries.items()}
        self._alike = {
            name: [row for row in rows if self._name(row) == name][:PHOTOS_OF_LOOKALIKE]
            for pair in findings.world.lookalike_pairs
            for name in pair
        }
        wanted = [self._sampled, self._rebuilt, *self._queries.values(), *self._alike.values()]
        wanted += [row for answers in self._answers.values() for row in answers]
        self._images = _images(findings, {row for rows in wanted for row in rows})

    def samples(self) -> str:
        """Photo and chip of single observations."""
        cards = []
        for row in self._sampled:
            taxon = self._taxa[self._facts.label[row]]
            cards.append(
                f'<figure class="pair">{self._photo(row)}{self._chip(row)}<figcaption><i>{_text(taxon.name)}</i>'
                f"<br>{_text(taxon.common_name)}<br>{self._where_and_when(row)}</figcaption></figure>"
            )
        return f'<div class="samples">{"".join(cards)}</div>'

    def reconstructions(self) -> str:
        """Photos whose hidden patches are rebuilt."""
        photos = torch.from_numpy(np.stack([self._images[row][0] for row in self._rebuilt])).permute(0, 3, 1, 2)
        names = ("photo", "what the model saw", "what it made of it")
        columns = zip(*reconstruction_rows(_rebuild(self._findings.run, photos.contiguous())), strict=True)
        rows = [
            f'<div class="strip"><span>{name}</span>{"".join(_image(address, name) for address in column)}</div>'
            for name, column in zip(names, columns, strict=True)
        ]
        return f'<div class="strips">{"".join(rows)}</div>'

    def neighbours(self, way: str) -> str:
        """Queries with their nearest answers; those of the query's species are framed."""
        query_image, answer_image = (self._photo, self._chip) if way == "photo to chip" else (self._chip, self._photo)
        lines = []
        for query, answers in zip(self._queries[way], self._answers[way], strict=True):
            cards = [f'<figure class="query">{query_image(query)}{self._caption(query)}</figure>']
            for answer in answers:
                hit = self._facts.label[answer] == self._facts.label[query]
                cards.append(
                    f'<figure class="{"hit" if hit else "miss"}">{answer_image(answer)}{self._caption(answer)}</figure>'
                )
            lines.append(f'<div class="neighbours">{"".join(cards)}</div>')
        return "".join(lines)

    def lookalikes(self) -> str:
        """Both species of each pair, and where they live."""
        blocks = []
        findings = self._findings
        for one, other in findings.world.lookalike_pairs:
            if not {one, other} <= set(findings.map_taxa):
                continue
            ranges = [findings.truth[findings.map_taxa.index(name)].any(axis=0) for name in (one, other)]
            birds = "".join(
                f"<figure>{''.join(self._photo(row) for row in self._alike[name])}"
                f'<figcaption><b style="background:{colour}"></b><i>{_text(name)}</i></figcaption></figure>'
                for name, colour in ((one, WITH), (other, WITHOUT))
            )
            ground = _image(two_ranges(findings.land, *ranges), f"Ranges of {one} and {other}")
            blocks.append(f'<div class="alike"><div class="birds">{birds}</div>{ground}</div>')
        return "".join(blocks)

    def _of_several_taxa(self, rows: Iterable[int], count: int) -> list[int]:
        return of_several_labels(rows, self._facts.label, count)

    def _nearest(self, way: str, queries: list[int]) -> list[list[int]]:
        test = self._findings.test
        assert test.chip is not None
        query, gallery = (test.photo, test.chip) if way == "photo to chip" else (test.chip, test.photo)
        order = np.argsort(-(query[queries] @ gallery.T), axis=1, kind="stable")
        nearest: list[list[int]] = order[:, :ANSWERS].tolist()
        return nearest

    def _name(self, row: int) -> str:
        name: str = self._taxa[self._facts.label[row]].name
        return name

    def _photo(self, row: int) -> str:
        return _image(image_address(self._images[row][0]), f"Photo of {self._name(row)}")

    def _chip(self, row: int) -> str:
        return _image(image_address(self._images[row][1]), f"Chip of a place of {self._name(row)}")

    def _caption(self, row: int) -> str:
        return f"<figcaption><i>{_text(self._name(row))}</i><br>{self._where_and_when(row)}</figcaption>"

    def _where_and_when(self, row: int) -> str:
        return where_and_when(self._facts.lon_lat[row].tolist(), float(self._facts.year_fraction[row]))


def _images(findings: Findings, rows: set[int]) -> dict[int, tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Photo and chip of some test rows, (px, px, 3) each."""
    found = {}
    run = findings.run
    wanted = np.array(sorted(rows))
    batches = read_rows(
        findings.dataset, "test", wanted, batch_size=256, photo_px=run.photo_px, chip_px=run.chip_px, workers=0
    )
    for batch in batches:
        for i, row in enumerate(batch.row.tolist()):
            photo, chip = batch.photo[i].permute(1, 2, 0).numpy(), batch.chip[i].permute(1, 2, 0).numpy()
            found[row] = (photo.copy(), chip.copy())
    return found


def _rebuild(run: Run, photos: torch.Tensor) -> Reconstruction:
    n = len(photos)
    batch = Batch(
        photos=(photos,),
        chip=torch.zeros(n, 3, run.chip_px, run.chip_px, dtype=torch.uint8),
        has_photo=torch.ones(n, dtype=torch.bool),
        has_chip=torch.zeros(n, dtype=torch.bool),
        lon_lat=torch.full((n, 2), torch.nan),
        year_fraction=torch.full((n,), torch.nan),
        label=torch.zeros(n, dtype=torch.int64),
        row=torch.arange(n),
    )
    with inference(run.method, "cpu"):
        return run.method.reconstruct(batch, torch.Generator().manual_seed(0))


def _maps(findings: Findings) -> str:
    """The residents and the migrant that were seen most, with the training observations of each month."""
    facts = row_facts(findings.dataset, "train")
    month = month_of(facts.year_fraction)
    seen = np.bincount(facts.label, minlength=len(findings.dataset.taxa))
    by_count = sorted(findings.map_taxa, key=lambda name: -seen[findings.dataset.taxa.index(name)])
    lookalikes = {name for pair in findings.world.lookalike_pairs for name in pair}
    migrants = [name for name in by_count if name in findings.world.migrants]
    residents = [name for name in by_count if name not in migrants and name not in lookalikes]
    shown = [(name, RESIDENT_MONTHS, "resident") for name in residents[:RESIDENTS]]
    shown += [(name, MIGRANT_MONTHS, "migrant") for name in migrants[:1]]
    land = virtual_land(findings.world)
    figures = []
    for name, months, kind in shown:
        taxon, label = findings.map_taxa.index(name), findings.dataset.taxa.index(name)
        these, places = [m - 1 for m in months], facts.lon_lat[facts.label == label]
        marks = MapPoints(
            lon=places[:, 0],
            lat=places[:, 1],
            label="training observations of the month",
            month=month[facts.label == label],
        )
        drawn = draw_map(
            findings.maps.grid,
            months,
            findings.maps.score[taxon, these],
            title=name,
            quantity=SCORE,
            truth=findings.truth[taxon, these],
            land=land,
            points=(marks,),
        )
        figures.append(
            f'<figure class="map">{_image(figure_address(drawn), f"Map of {name}")}'
            f"<figcaption><i>{_text(name)}</i>, a {kind}.</figcaption></figure>"
        )
    return "".join(figures)


def _image(address: str, words: str) -> str:
    return f'<img src="{address}" alt="{_text(words)}">'


def _text(words: str) -> str:
    return html.escape(words)
