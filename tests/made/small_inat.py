"""iNaturalist 2021 in miniature: its JSON, and photos of a few pixels."""

import json
from pathlib import Path

from small_birds import encoded, picture

CROW = {"genus": "Corvus", "family": "Corvidae", "order": "Passeriformes", "common_name": "Common Raven"}
TIT = {"genus": "Parus", "family": "Paridae", "order": "Passeriformes", "common_name": "Great Tit"}
CATEGORIES = [
    {"id": 0, "name": "Corvus corax", "class": "Aves", "supercategory": "Birds"} | CROW,
    {"id": 1, "name": "Bellis perennis", "class": "Magnoliopsida", "supercategory": "Plants"},
    {"id": 2, "name": "Parus major", "class": "Aves", "supercategory": "Birds"} | TIT,
]
RAVEN, DAISY, GREAT_TIT = 0, 1, 2


def image(number: int, folder: str = "train", **facts: object) -> dict[str, object]:
    return {
        "id": number,
        "width": 32,
        "height": 24,
        "file_name": f"{folder}/{number}.jpg",
        "license": 4,
        "rights_holder": f"person {number}",
        "date": "2010-07-14 20:19:00+00:00",
        "latitude": 43.83486,
        "longitude": -71.22231,
        "location_uncertainty": 77,
    } | facts


def write_json(path: Path, images: list[dict[str, object]], labels: list[int], /, **lists: object) -> None:
    """The lists in the order of the published files: labels after images."""
    annotations = [
        {"id": number, "image_id": image["id"], "category_id": label}
        for number, (image, label) in enumerate(zip(images, labels, strict=True))
    ]
    data = {
        "info": {"year": 2021, "version": "1", "nested": [[1, 2], {"a": "]"}]},
        "images": images,
        "categories": CATEGORIES,
        "annotations": annotations,
        "licenses": [{"id": 4, "name": "Attribution License", "url": "http://creativecommons.org/licenses/by/4.0/"}],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data | lists))


def write_photo(root: Path, image: dict[str, object]) -> None:
    path = root / str(image["file_name"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(picture(int(str(image["id"])))))
