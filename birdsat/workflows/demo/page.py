"""The demo's page: one HTML file with its pictures inside. Every figure on it is one of report.json."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from string import Template
from typing import Any

from birdsat.workflows.pages import style

_STAGES = {
    "dataset": "virtual world: photos, chips, dataset",
    "pretrain": "pretraining with place and date",
    "pretrain_without_metadata": "pretraining without",
    "embed": "embedding, three times",
    "classify": "probes and neighbours",
    "retrieve": "retrieval",
    "map": "maps",
    "report": "pictures of this page",
}
_BARS = {
    "classify.pretrained.top1": "linear probe, top-1",
    "retrieve.photo_to_chip.r1": "photo to chip, R@1 by species",
    "retrieve.chip_to_photo.r1": "chip to photo, R@1 by species",
    "map.auc": "maps, mean AUC",
    "lookalikes.with_metadata": "lookalikes told apart, with metadata",
    "lookalikes.without_metadata": "lookalikes told apart, without",
}
_WANTED = {
    "classify.pretrained.top1": "twice that of random weights",
    "retrieve.photo_to_chip.r1": "three times chance",
    "retrieve.chip_to_photo.r1": "three times chance",
    "map.auc": "on land, over all species and months",
    "lookalikes.with_metadata": "half by chance",
    "lookalikes.without_metadata": "a guess",
}


def write_page(figures: Mapping[str, Any], pictures: Mapping[str, str], facts: Mapping[str, str]) -> str:
    """The page as text.

    figures: the content of report.json. pictures: HTML by the template's names. facts: words that are not figures.
    Each figure stands in an element whose data-figure says where in report.json it is from.
    """
    show = _Figures(figures)
    template = Template(files("birdsat.workflows.demo").joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        pictures,
        **facts,
        style=style(),
        train_rows=show.count("rows.train"),
        test_rows=show.count("rows.test"),
        species=show.count("rows.taxa"),
        seed=show.count("seed"),
        tiles=_tiles(show),
        bars=_bars(show, figures["bars"]),
        classify=_classify(show),
        retrieve=_retrieve(show),
        seconds=_seconds(show, figures["seconds"]),
        map_taxa=show.count("map.taxa"),
        map_months=show.count("map.months"),
        map_cells=show.count("map.land_cells"),
        map_auc=show.number("map.auc"),
        map_ap=show.number("map.ap"),
        map_ap_chance=show.number("map.ap_chance"),
        lookalike_pairs=show.count("lookalikes.pairs"),
        lookalike_photos=show.count("lookalikes.photos"),
        lookalikes_with=show.share("lookalikes.with_metadata"),
        lookalikes_without=show.share("lookalikes.without_metadata"),
    )


class _Figures:
    """Figures by their dotted path, each as an element that says where it is from."""

    def __init__(self, figures: Mapping[str, Any]) -> None:
        self._figures = figures

    def value(self, path: str) -> float | None:
        value: Any = self._figures
        for name in path.split("."):
            value = value[int(name)] if isinstance(value, list) else value[name]
        return value  # type: ignore[no-any-return]

    def share(self, path: str) -> str:
        return self._element(path, "{:.1%}")

    def number(self, path: str) -> str:
        return self._element(path, "{:.3f}")

    def count(self, path: str) -> str:
        return self._element(path, "{:,.0f}")

    def _element(self, path: str, form: str) -> str:
        value = self.value(path)
        text = "–" if value is None else form.format(value).replace("%", "\N{NO-BREAK SPACE}%")
        return f'<span data-figure="{path}">{text}</span>'


def _tiles(show: _Figures) -> str:
    tiles = [
        (
            show.share("classify.pretrained.top1"),
            "of photos named right",
            f"by a linear probe; {show.share('classify.random.top1')} from random weights",
        ),
        (
            show.share("retrieve.photo_to_chip.r1"),
            "of photos find a right chip first",
            f"by chance {show.share('retrieve.photo_to_chip.r1_chance')}",
        ),
        (
            show.share("retrieve.chip_to_photo.r1"),
            "of chips find a right photo first",
            f"by chance {show.share('retrieve.chip_to_photo.r1_chance')}",
        ),
        (show.number("map.auc"), "mean AUC of the maps", "0.5 by chance; land only"),
        (
            show.share("lookalikes.with_metadata"),
            "of lookalikes told apart",
            f"{show.share('lookalikes.without_metadata')} from the photo alone",
        ),
    ]
    return "".join(
        f'<div class="tile"><b>{value}</b><span class="what">{what}</span><small>{note}</small></div>'
        for value, what, note in tiles
    )


def _bars(show: _Figures, bars: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for i, bar in enumerate(bars):
        path = bar["figure"]
        form = show.number if path == "map.auc" else show.share
        limits = [form(f"bars.{i}.{side}") for side in ("least", "most") if bar[side] < 1]
        verdict = '<span class="met">✓ met</span>' if bar["met"] else '<span class="missed">✗ missed</span>'
        wanted = " to ".join(limits) if len(limits) == 2 else f"at least {limits[0]}"
        rows.append(
            f"<tr><td>{_BARS[path]}</td><td>{form(path)}</td><td>{wanted}</td>"
            f'<td class="words reason">{_WANTED[path]}</td><td class="words">{verdict}</td></tr>'
        )
    head = '<th></th><th>found</th><th>wanted</th><th class="words reason">that is</th><th></th>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _classify(show: _Figures) -> str:
    lines = (
        ("pretrained, photo", "pretrained"),
        ("random weights, photo", "random"),
        ("chance", "chance"),
        ("pretrained without place and date, photo", "pretrained_without_metadata"),
        ("pretrained, photo and chip", "with_chip"),
        ("pretrained, photo and chip, place, date", "with_chip_place_date"),
    )
    names = ("top1", "top5", "knn_top1", "knn_top5")
    rows = []
    for words, key in lines:
        found = [show.share(f"classify.{key}.{name}") if key != "chance" or name[0] == "t" else "" for name in names]
        rows.append((words, *found))
    return _table(("", "probe, top-1", "top-5", "neighbours, top-1", "top-5"), rows, strong=0)


def _retrieve(show: _Figures) -> str:
    rows = []
    for words, run in (("with place and date", "retrieve"), ("without", "retrieve.without_metadata")):
        for way in ("photo_to_chip", "chip_to_photo"):
            names = ("r1", "r1_chance", "r10", "r10_chance")
            rows.append((f"{way.replace('_', ' ')}, {words}", *(show.share(f"{run}.{way}.{name}") for name in names)))
    return _table(("", "R@1", "by chance", "R@10", "by chance"), rows)


def _seconds(show: _Figures, seconds: Mapping[str, float]) -> str:
    longest = max(seconds[stage] for stage in _STAGES)
    rows = [
        (words, show.count(f"seconds.{stage}"), f'<i style="width:{100 * seconds[stage] / longest:.1f}%"></i>')
        for stage, words in _STAGES.items()
    ]
    body = "".join(f'<tr><td>{a}</td><td>{b}</td><td class="bar">{c}</td></tr>' for a, b, c in rows)
    total = f'<tr class="total"><td>in all</td><td>{show.count("seconds.total")}</td><td class="bar"></td></tr>'
    return f"<table><thead><tr><th></th><th>seconds</th><th></th></tr></thead><tbody>{body}{total}</tbody></table>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, strong: int | None = None) -> str:
    """strong: the row that is set in bold."""
    top = "".join(f"<th>{name}</th>" for name in head)
    body = "".join(
        ('<tr class="strong">' if i == strong else "<tr>") + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
        for i, row in enumerate(rows)
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
