"""The family of every genus of birds, those that today's lists have given up included."""

from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).parent / "lists" / "genus_families.csv"


@lru_cache(maxsize=1)
def family_of_genus() -> dict[str, str]:
    """Family by genus, as AviList has them; `tools/make_taxonomies.py` writes the file."""
    lines = _FILE.read_text("utf-8").splitlines()[1:]
    return dict(line.split(",") for line in lines)
