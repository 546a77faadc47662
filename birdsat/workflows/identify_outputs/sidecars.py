"""Names as keywords in XMP files beside the photos, where photo managers look for them.

An XMP file that is there is read and written again with all that is in it, in its own order and prefixes; only keywords
are added, and what birdsat itself wrote before is replaced (XMP Specification Part 1, 7; Adobe, 2012).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeGuard
from xml.dom import minidom
from xml.parsers import expat

from birdsat.errors import InputError
from birdsat.files import write_atomic
from birdsat.reading import read_bytes
from birdsat.workflows.identify_outputs.about import About
from birdsat.workflows.identify_outputs.rows import PhotoRow

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_META = "adobe:ns:meta/"
_OWN = "https://github.com/birdsat/ns/identify/1.0/"  # a name, which leads nowhere
_MOST_BYTES = 16 << 20
_MOST_DEPTH = 200
_EMPTY = (
    f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="{_META}">\n'
    f' <rdf:RDF xmlns:rdf="{_RDF}">\n  <rdf:Description rdf:about=""/>\n </rdf:RDF>\n</x:xmpmeta>\n'
    '<?xpacket end="w"?>\n'
)


def write_sidecars(photos: Sequence[Path], rows: Iterable[PhotoRow], about: About) -> int:
    """Write one beside each photo that was named or rolled up, and give their number.

    It is PHOTO.EXT.xmp, or PHOTO.xmp where that is there and no other photo has a claim to it. One that cannot be read
    or written stays as it is, and is counted in a note.
    """
    stems: dict[Path, int] = {}
    for photo in photos:
        stems[photo.with_suffix("")] = stems.get(photo.with_suffix(""), 0) + 1
    written, failed, example = 0, 0, ""
    for photo, row in zip(photos, rows, strict=True):
        if row.verdict not in ("named", "rolled up"):
            continue
        path = _sidecar(photo, alone=stems[photo.with_suffix("")] == 1)
        try:
            before = read_bytes(path, most_bytes=_MOST_BYTES) if path.exists() else _EMPTY.encode()
            after = merged(before, row, about)
            if after != before:
                write_atomic(path, after)
            written += 1
        except (InputError, OSError) as error:
            failed += 1
            example = example or f"{path} ({error})"
    if failed:
        about.progress.note(f"{failed:,} XMP files could not be read or written, and are as they were: {example}.")
    return written


def _sidecar(photo: Path, *, alone: bool) -> Path:
    adobe, full = photo.with_suffix(".xmp"), photo.with_name(f"{photo.name}.xmp")
    return adobe if alone and adobe.exists() and not full.exists() else full


def merged(before: bytes, row: PhotoRow, about: About) -> bytes:
    """The XMP with the row's names among its keywords. Raises InputError for what is not XMP, or declares entities."""
    document = _parsed(before)
    (rdf, *_) = document.getElementsByTagNameNS(_RDF, "RDF") or [None]
    if rdf is None:
        raise InputError("it holds no rdf:RDF, as XMP does")
    described = [node for node in rdf.childNodes if _is(node, _RDF, "Description")]
    if not described:
        made = document.createElementNS(_RDF, f"{rdf.prefix or 'rdf'}:Description")
        made.setAttributeNS(_RDF, f"{rdf.prefix or 'rdf'}:about", "")
        described = [rdf.appendChild(made)]
    ours = next((node for node in described if _property(node, _OWN, "keywords") is not None), None)
    earlier = set() if ours is None else set(_items(_property(ours, _OWN, "keywords")))
    subject = next((found for node in described if (found := _property(node, _DC, "subject")) is not None), None)
    home = next((node for node in described if _property(node, _DC, "subject") is not None), described[0])
    others = [word for word in ([] if subject is None else _items(subject)) if word not in earlier]
    is_any_bird = row.rolled_up_rank == "class"  # which says nothing of the photo
    words = [] if is_any_bird else [word for word in dict.fromkeys((row.name, row.common_name)) if word]
    for node in described:
        for name in ("keywords", "verdict", "score", "namedBy"):
            _remove(node, _OWN, name)
    _remove(home, _DC, "subject")
    _add_bag(document, home, "dc", _DC, "subject", [*others, *(word for word in words if word not in others)])
    # Words that somebody else had put there before are not ours to remove the next time.
    _add_bag(document, home, "birdsat", _OWN, "keywords", [word for word in words if word not in others])
    _add_text(document, home, "verdict", row.verdict)
    score = row.rolled_up_score if row.rolled_up_score is not None else (row.best.score if row.best else None)
    _add_text(document, home, "score", "" if score is None else f"{score:.4f}")
    _add_text(document, home, "namedBy", about.named_by)
    # Without minidom's XML declaration: a packet begins with its own processing instruction.
    text = "".join(node.toxml() + "\n" for node in document.childNodes)
    return text.encode()


def _parsed(data: bytes) -> minidom.Document:
    """After a look through it that refuses what hostile XML has."""
    depth = 0

    def start(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > _MOST_DEPTH:
            raise InputError("it is nested too deeply to be XMP")

    def end(*_: object) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: object) -> None:
        raise InputError("it declares a document type or entities, as no XMP does")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler = start, end, refuse
    try:
        parser.Parse(data, True)
        return minidom.parseString(data)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise InputError(f"it is not XML that can be read: {error}") from error


def _is(node: Any, space: str, name: str) -> TypeGuard[minidom.Element]:
    return node.nodeType == node.ELEMENT_NODE and (node.namespaceURI, node.localName) == (space, name)


def _property(node: minidom.Element, space: str, name: str) -> minidom.Element | None:
    return next((child for child in node.childNodes if _is(child, space, name)), None)


def _items(node: minidom.Element | None) -> list[str]:
    """The words of a bag, a sequence or a single value."""
    if node is None:
        return []
    items = node.getElementsByTagNameNS(_RDF, "li")
    return [_text(item) for item in items] if items else [text] if (text := _text(node).strip()) else []


def _text(node: minidom.Element) -> str:
    return "".join(part.data for part in node.childNodes if isinstance(part, minidom.Text))


def _remove(node: minidom.Element, space: str, name: str) -> None:
    while (found := _property(node, space, name)) is not None:
        before = found.previousSibling
        if isinstance(before, minidom.Text) and not before.data.strip():
            before.data = before.data.rpartition("\n")[0]  # the blanks that it was set in by
        node.removeChild(found)
    if node.hasAttributeNS(space, name):
        node.removeAttributeNS(space, name)


def _element(
    document: minidom.Document, parent: minidom.Element, prefix: str, space: str, name: str
) -> minidom.Element:
    parent.appendChild(document.createTextNode("\n   "))
    made = document.createElementNS(space, f"{prefix}:{name}")
    made.setAttribute(f"xmlns:{prefix}", space)  # said again here, whatever the prefix means around it
    return parent.appendChild(made)


def _add_bag(
    document: minidom.Document, parent: minidom.Element, prefix: str, space: str, name: str, words: Sequence[str]
) -> None:
    if not words:
        return
    bag = _element(document, parent, prefix, space, name).appendChild(document.createElementNS(_RDF, "rdf:Bag"))
    bag.setAttribute("xmlns:rdf", _RDF)
    for word in words:
        item = bag.appendChild(document.createElementNS(_RDF, "rdf:li"))
        item.appendChild(document.createTextNode(word))


def _add_text(document: minidom.Document, parent: minidom.Element, name: str, text: str) -> None:
    if text:
        _element(document, parent, "birdsat", _OWN, name).appendChild(document.createTextNode(text))
