"""What is measured of retrieval, under whose rules, and how it is shown."""

from dataclasses import dataclass
from typing import Any, Literal

from birdsat.metrics import KS, Recall
from birdsat.tables import Table

Direction = Literal["photo to chip", "chip to photo"]
DIRECTIONS: tuple[Direction, ...] = ("photo to chip", "chip to photo")


@dataclass(frozen=True, kw_only=True, slots=True)
class Protocol:
    """What is asked, and what counts."""

    name: str
    directions: tuple[Direction, ...] = DIRECTIONS
    own_pair: bool = True  # also count only the query's own other half as a hit
    without_metadata: bool = True  # also with place and date marked missing, where the method knows them
    shortlist: int = 100  # answers that are ranked again, where a run that matches pairs is given


OURS = Protocol(name="ours")
# Chips ask for photos, and a hit is any of the first k photos of the query's species, the one taken at the chip's place
# among them. Source: retrieval_eval.py and config.py of github.com/mvrl/BirdSAT (commit 5a15cfc; there k is 10 and the
# shortlist 50) and its older Retrieval/RecallContGeoMAE.py (k = 5), both over the val split of iNat-2021 birds. Not
# carried over: the last, incomplete batch of 50 is left out of queries and gallery while hits are divided by all rows
# (10 of 14,860, so at most 0.0007 less); the newer script gives each query chip the places and dates of the photos it
# is compared with, batch row by batch row, where the older one gives it its own, as we do; and the re-ranking indexes
# the dataset with a matrix, from which it can take no images. Equal scores are ours too: wrong answers go first.
PAPER = Protocol(name="paper", directions=("chip to photo",), own_pair=False, without_metadata=False, shortlist=50)
PROTOCOLS = {protocol.name: protocol for protocol in (OURS, PAPER)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrieval:
    """One direction, with or without place and date, by cosine alone or ranked again."""

    direction: Direction
    with_metadata: bool
    reranked: bool = False  # the shortlist by cosine was put in the order of another method's match logits
    species: Recall  # a hit is any answer of the query's taxon
    pair: Recall  # a hit is the query's own other half
    search_recall: float | None = None  # of an approximate search against the exact one; None: it was exact

    def to_dict(self, *, own_pair: bool) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "direction": self.direction,
            "with_metadata": self.with_metadata,
            "reranked": self.reranked,
            "search_recall_against_exact": self.search_recall,
            "species": self.species.to_dict(),
        } | ({"pair": self.pair.to_dict()} if own_pair else {})


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrieveReport:
    """Everything `retrieve` measured."""

    protocol: Protocol = OURS
    rows: int  # size of the gallery
    queries: int
    left_out: int  # rows without a photo or without a chip
    taxa: int  # taxa among the rows
    shortlist: int | None = None  # answers ranked again; None: none were
    results: tuple[Retrieval, ...]

    def result(self, direction: Direction, *, with_metadata: bool, reranked: bool = False) -> Retrieval:
        """One of the results. Raises KeyError when it was not measured."""
        asked = (direction, with_metadata, reranked)
        for result in self.results:
            if (result.direction, result.with_metadata, result.reranked) == asked:
                return result
        raise KeyError(asked)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "protocol": self.protocol.name,
            "rows": self.rows,
            "queries": self.queries,
            "left_out_without_photo_or_chip": self.left_out,
            "taxa": self.taxa,
            "shortlist": self.shortlist,
            "results": [result.to_dict(own_pair=self.protocol.own_pair) for result in self.results],
        }

    def table(self) -> Table:
        """For the console: each figure with chance in brackets."""
        asked = "" if self.queries == self.rows else f", {self.queries:,} queries"
        rules = "" if self.protocol is OURS else f", {self.protocol.name}'s protocol"
        again = "" if self.shortlist is None else f", the first {self.shortlist:,} by cosine ranked again by match"
        title = f"{self.rows:,} photos and their {self.rows:,} chips{asked}, {self.taxa:,} taxa{rules}{again}"
        order = () if self.shortlist is None else ("order",)
        words = ["direction", "place and date", *order, "a hit is"]
        table = Table(
            title=f"{title} (chance in brackets)",
            columns=[*words, *(f"R@{k}" for k in KS), "median rank"],
            words=len(words),
        )
        for result in self.results:
            hits = [("same species", result.species), ("its own pair", result.pair)]
            for hit, recall in hits if self.protocol.own_pair else hits[:1]:
                table.add_row(
                    result.direction,
                    "with" if result.with_metadata else "without",
                    *("match" if result.reranked else "cosine" for _ in order),
                    hit,
                    *(f"{recall.at[k]:.3f} ({recall.chance_at[k]:.3f})" for k in KS),
                    f"{recall.median_rank:,.0f} ({recall.chance_median_rank:,.0f})",
                )
        approximate = [result.search_recall for result in self.results if result.search_recall is not None]
        if approximate:
            table.caption = f"approximate search, which finds {min(approximate):.3f} of the exact nearest or more"
        return table
