"""XMP beside photos: names go in, nothing that is there goes out."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from made_photos import ABOUT, row, unreadable
from recorded import RecordedProgress

from birdsat.errors import InputError
from birdsat.workflows.identify_outputs.sidecars import merged, write_sidecars

RDF, DC = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}", "{http://purl.org/dc/elements/1.1/}"
LIGHTROOM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0">
 <!-- mine -->
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" crs:Exposure2012="+0.35">
   <dc:subject xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Bag>
    <rdf:li>trip &amp; co</rdf:li></rdf:Bag></dc:subject>
   <crs:ToneCurve><rdf:Seq><rdf:li>0, 0</rdf:li></rdf:Seq></crs:ToneCurve>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""
FALCON = {"rolled_up": "Falco <peregrinus>", "rolled_up_rank": "species"}


def keywords(data: bytes) -> list[str]:
    return [str(item.text) for item in ElementTree.fromstring(data).findall(f".//{DC}subject/*/{RDF}li")]


def test_keywords_are_added_and_all_else_stays() -> None:
    after = merged(LIGHTROOM.encode(), row(), ABOUT)
    assert keywords(after) == ["trip & co", "Corvus corax", "Common Raven"]
    text = after.decode()
    for kept in ('xmp:Rating="4"', 'crs:Exposure2012="+0.35"', "0, 0", "<!-- mine -->", "<?xpacket begin", 'x:xmptk="'):
        assert kept in text
    assert "0.9000" in text and "birdsat 0.1.0, mine" in text


def test_the_same_again_changes_nothing_and_another_name_takes_the_place_of_ours_alone() -> None:
    once = merged(LIGHTROOM.encode(), row(), ABOUT)
    assert merged(once, row(), ABOUT) == once
    other = merged(once, row(**FALCON), ABOUT)
    assert keywords(other) == ["trip & co", "Falco <peregrinus>"]
    own = LIGHTROOM.replace("trip &amp; co", "Corvus corax").encode()
    assert keywords(merged(merged(own, row(), ABOUT), row(**FALCON), ABOUT)) == ["Corvus corax", "Falco <peregrinus>"]


def test_sidecars_go_where_photo_managers_look(tmp_path: Path) -> None:
    photos = [tmp_path / name for name in ("a.jpg", "b.jpg", "c.jpg", "c.nef", "bad.jpg")]
    (tmp_path / "b.xmp").write_text(LIGHTROOM)
    (tmp_path / "c.xmp").write_text(LIGHTROOM)
    rows = [*(row(str(photo)) for photo in photos[:4]), unreadable()]
    assert write_sidecars(photos, rows, ABOUT) == 4
    assert {path.name for path in tmp_path.iterdir()} == {"a.jpg.xmp", "b.xmp", "c.xmp", "c.jpg.xmp", "c.nef.xmp"}
    assert keywords((tmp_path / "a.jpg.xmp").read_bytes()) == ["Corvus corax", "Common Raven"]
    assert keywords((tmp_path / "b.xmp").read_bytes())[0] == "trip & co"
    assert (tmp_path / "c.xmp").read_text() == LIGHTROOM


@pytest.mark.parametrize(
    "data",
    [
        "not xml",
        "<a/>",
        LIGHTROOM[:-200],
        '<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>',
        "<a>" * 300 + "</a>" * 300,
    ],
)
def test_a_file_that_is_not_xmp_stays_as_it_is_and_is_counted(tmp_path: Path, data: str) -> None:
    with pytest.raises(InputError):
        merged(data.encode(), row(), ABOUT)
    (tmp_path / "a.jpg.xmp").write_text(data)
    progress = RecordedProgress()
    photos = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    assert write_sidecars(photos, [row(), row()], replace(ABOUT, progress=progress)) == 1
    assert (tmp_path / "a.jpg.xmp").read_text() == data and progress.notes[0].startswith("1 XMP files")
