"""Contact sheets of named photos: pages of PNG, and of HTML with the pictures in them."""

import base64
import io
from collections.abc import Iterable, Iterator
from importlib.resources import files
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from birdsat.engine.threads import in_threads
from birdsat.errors import ImageError
from birdsat.files import output_file
from birdsat.imagery.photo_files import read_photo
from birdsat.imagery.photos import encode_jpeg
from birdsat.pictures.contact_sheet import PHOTO_PX, PhotoCard, contact_sheet
from birdsat.workflows.identify_outputs.about import ON_A_PAGE, About, page_path
from birdsat.workflows.identify_outputs.rows import PhotoRow
from birdsat.workflows.pages import escaped, style

_WEB_QUALITY = 82  # of pictures of about 12 kB


def write_png(path: Path, photos: Iterable[PhotoRow], about: About) -> tuple[Path, ...]:
    """Pages of thirty photos: names.png, names-2.png, ..."""
    pages = -(-about.photos // ON_A_PAGE[".png"])
    made: list[Path] = []
    for page, rows in enumerate(_pages(photos, ON_A_PAGE[".png"], about), start=1):
        cards = [_card(row, picture) for row, picture in rows]
        of = f", page {page} of {pages}" if pages > 1 else ""
        drawn = contact_sheet(cards, title=f"{about.photos:,} photos{of}", note=_note(about))
        made.append(page_path(path, page))
        with output_file(made[-1]) as partial:
            partial.write_bytes(drawn)
    return tuple(made)


def write_html(path: Path, photos: Iterable[PhotoRow], about: About) -> tuple[Path, ...]:
    """Pages of five hundred photos, each whole in its file: names.html, names-2.html, ..."""
    pages = -(-about.photos // ON_A_PAGE[".html"])
    made: list[Path] = []
    for page, rows in enumerate(_pages(photos, ON_A_PAGE[".html"], about), start=1):
        made.append(page_path(path, page))
        with output_file(made[-1]) as partial, partial.open("w", encoding="utf-8") as file:
            title = f"{about.photos:,} photos"
            file.write(
                '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
                '<meta name="viewport" content="width=device-width, initial-scale=1">'
                f"<title>{escaped(title)}</title><style>{style()}{_sheet_style()}</style></head><body><main>"
                f'<h1>{escaped(title)}</h1><p class="note">{escaped(_note(about))}</p>{_links(path, page, pages)}'
                '<div class="sheet">\n'
            )
            for row, picture in rows:
                file.write(_figure(row, picture) + "\n")
            file.write(f"</div>{_links(path, page, pages)}</main></body></html>\n")
    return tuple(made)


def _pages(
    photos: Iterable[PhotoRow], most: int, about: About
) -> Iterator[Iterator[tuple[PhotoRow, NDArray[np.uint8] | None]]]:
    """Rows with their pictures, a page at a time, each page to be read before the next one is asked for."""
    with about.progress.bar("drawing", about.photos, unit="photos") as bar:
        drawn = in_threads(lambda row: (row, _picture(row, about.odd_paths.get(row.photo))), photos)
        while first := list(islice(drawn, 1)):

            def page(
                first: list[tuple[PhotoRow, NDArray[np.uint8] | None]] = first,
            ) -> Iterator[tuple[PhotoRow, NDArray[np.uint8] | None]]:
                for one in first:
                    bar.advance()
                    yield one
                for one in islice(drawn, most - 1):
                    bar.advance()
                    yield one

            yield page()


def _picture(row: PhotoRow, path: Path | None) -> NDArray[np.uint8] | None:
    """The whole photo, small."""
    if row.verdict == "unreadable":
        return None
    try:
        rgb = read_photo(path or Path(row.photo), shorter_px=PHOTO_PX, exact=False).rgb
    except ImageError:  # it is gone since
        return None
    image = Image.fromarray(rgb)
    image.thumbnail((PHOTO_PX, PHOTO_PX), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _card(row: PhotoRow, picture: NDArray[np.uint8] | None) -> PhotoCard:
    return PhotoCard(
        photo=picture,
        file=Path(row.photo).name,
        verdict=row.verdict,
        name=_name(row),
        common_name=row.common_name,
        figures=_score(row),
        where_and_when=_where_and_when(row),
        mark=_mark(row),
    )


def _score(row: PhotoRow) -> str:
    if row.best is None or row.verdict not in ("named", "rolled up", "not calibrated"):
        return ""
    score = f"{row.best.score:.2f}"
    return score if row.verdict == "named" else f"perhaps {row.best.common_name or row.best.taxon} {score}"


def _name(row: PhotoRow) -> str:
    """Of a group with what it is, and how sure that is."""
    if row.verdict != "rolled up" or row.rolled_up_score is None:
        return row.name
    return f"{row.name} ({row.rolled_up_rank}) {row.rolled_up_score:.2f}"


def _mark(row: PhotoRow) -> str:
    if row.verdict == "unreadable":
        return row.remarks[0] if row.remarks else ""
    return "unexpected here" if any(one.unexpected and one.taxon == row.name for one in row.answers) else ""


def _where_and_when(row: PhotoRow) -> str:
    parts = []
    if row.lon is not None and row.lat is not None:
        digits = 1 if row.uncertainty_km is not None else 2
        north, east = "N" if row.lat >= 0 else "S", "E" if row.lon >= 0 else "W"
        parts.append(f"{abs(row.lat):.{digits}f}°{north} {abs(row.lon):.{digits}f}°{east}")
    if row.date is not None:
        parts.append(row.date)
    return ", ".join(parts)


def _figure(row: PhotoRow, picture: NDArray[np.uint8] | None) -> str:
    file = Path(row.photo).name
    if picture is None:
        shown = '<div class="none">no picture</div>'
    else:
        data = base64.b64encode(encode_jpeg(np.ascontiguousarray(picture), _WEB_QUALITY)).decode("ascii")
        shown = f'<img loading="lazy" src="data:image/jpeg;base64,{data}" alt="{escaped(file)}">'
    first = row.common_name or _name(row)
    lines = [row.name if row.common_name else "", _score(row)]
    words = io.StringIO()
    words.write(f"<b>{escaped(first)}</b><span>{escaped(', '.join(line for line in lines if line))}</span>")
    if mark := _mark(row):
        words.write(f'<span class="mark">{escaped(mark)}</span>')
    words.write(f'<span class="note">{escaped(_where_and_when(row))}</span><span class="note">{escaped(file)}</span>')
    if row.answers:
        answers = "".join(
            f"<tr><td>{escaped(one.common_name or one.taxon)}</td><td>{one.score:.3f}</td></tr>" for one in row.answers
        )
        summary = "answers" if row.calibrated else "answers: scores that are not calibrated"
        words.write(f"<details><summary>{summary}</summary><table>{answers}</table></details>")
    kind = row.verdict.split()[0]
    return f'<figure class="{kind}">{shown}<figcaption>{words.getvalue()}</figcaption></figure>'


def _links(path: Path, page: int, pages: int) -> str:
    if pages < 2:
        return ""
    links = [
        f'<a href="{escaped(page_path(path, other).name)}">{words}</a>'
        for other, words in ((page - 1, "previous"), (page + 1, "next"))
        if 1 <= other <= pages
    ]
    return f"<nav>{''.join(links)}<span>page {page} of {pages}</span></nav>"


def _note(about: About) -> str:
    return f"{about.named_by}, {about.day}. Names are a model's; scores are probabilities where nothing else is said."


def _sheet_style() -> str:
    return files("birdsat.workflows").joinpath("sheet.css").read_text(encoding="utf-8")
