"""What a classifier looks at. Light of imports: requests name it too."""

from typing import Any, Literal

Inputs = Literal["photo", "photo_chip", "photo_chip_place_date"]
INPUT_WORDS: dict[Inputs, str] = {
    "photo": "photo",
    "photo_chip": "photo + chip",
    "photo_chip_place_date": "photo + chip, place, date",
}
_BEFORE = {words: inputs for inputs, words in INPUT_WORDS.items()}  # settings were these words in the first release


def todays_inputs(value: Any) -> Any:
    """The inputs by their name, from settings of any release; what is not known is left to be refused."""
    return _BEFORE.get(value, value) if isinstance(value, str) else value
