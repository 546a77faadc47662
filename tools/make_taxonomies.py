"""Make what birdsat/observations/taxonomies/lists holds from the tables of the PyPI package birdnames.

    pip install birdnames==0.1.3
    python tools/make_taxonomies.py

AviList's species and subspecies, and the family of every genus that any of the lists has: records of their time are
still named by genera that today's lists have given up. The same input gives the same bytes.
"""

import csv
import gzip
import io
from collections import Counter, defaultdict
from importlib.util import find_spec
from pathlib import Path

from birdsat.observations.taxonomies.changes import compare
from birdsat.observations.taxonomies.open_checklist import available_checklists, open_checklist

LISTS = Path(__file__).parents[1] / "birdsat" / "observations" / "taxonomies" / "lists"
AVILIST = "avilist_2025_taxonomy.csv"
COLUMNS = (
    "scientific_name",
    "avilist_common_name",
    "avilist_taxon_rank",
    "avilist_order",
    "avilist_family",
    "avilist_avibase_id",
)
RANKS = ("species", "subspecies")
# Genera of older books, by the family of the birds that were in them.
FORMER = {
    "Accipitridae": "Archibuteo Asturina",
    "Acrocephalidae": "Calamodus",
    "Alaudidae": "Otocoris",
    "Anatidae": "Chaulelasmus Chen Dafila Eulabeia Lampronetta Nettion Nyroca Oidemia Philacte Querquedula",
    "Ardeidae": "Casmerodius Mesophoyx",
    "Bombycillidae": "Ampelis",
    "Cardinalidae": "Cyanospiza Guiraca Hedymeles Pyrrhuloxia Zamelodia",
    "Charadriidae": "Eudromias Hoplopterus",
    "Columbidae": "Chaemepelia Melopelia Zenaidura",
    "Corvidae": "Cissilopha Xanthoura",
    "Emberizidae": "Miliaria Schoeniclus",
    "Falconidae": "Cerchneis Erythropus",
    "Fringillidae": "Astragalinus Burrica Chrysomitris Erythrina",
    "Gaviidae": "Urinator",
    "Gruidae": "Anthropoides Bugeranus",
    "Hirundinidae": "Clivicola Cotyle Iridoprocne",
    "Hydrobatidae": "Halocyptena Oceanodroma",
    "Icteridae": "Megaquiscalus",
    "Motacillidae": "Budytes",
    "Muscicapidae": "Cyanosylvia Ruticilla",
    "Paridae": "Penthestes",
    "Parulidae": "Compsothlypis Dendroica Helminthophaga Helminthophila Oporornis Parula Sylvania Wilsonia",
    "Passerellidae": "Chlorura Coturniculus Haemophila Oberholseria Oreospiza Passerherbulus",
    "Phalacrocoracidae": "Hypoleucos Stictocarbo",
    "Phasianidae": "Canachites Tetrao",
    "Phylloscopidae": "Seicercus",
    "Picidae": "Asyndesmus Balanosphyra Centurus Ceophloeus",
    "Prunellidae": "Accentor",
    "Scolopacidae": "Aphriza Capella Catoptrophorus Eurynorhynchus Heteroscelus Limicola Micropalama Philomachus "
    "Tryngites",
    "Stercorariidae": "Catharacta",
    "Strigidae": "Nyctea",
    "Sturnidae": "Pastor",
    "Trochilidae": "Stellula",
    "Troglodytidae": "Anorthura Nannus Telmatodytes",
    "Turdidae": "Merula Planesticus",
    "Tyrannidae": "Myiochanes Nuttallornis",
}


def main() -> None:
    """Read, leave out, write."""
    package = find_spec("birdnames")
    if package is None or package.submodule_search_locations is None:
        raise SystemExit("birdnames is not installed; `pip install birdnames`.")
    LISTS.mkdir(exist_ok=True)
    _write_avilist(Path(package.submodule_search_locations[0]) / "data" / "processed" / AVILIST)
    _write_families()


def _write_avilist(source: Path) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    with source.open(encoding="utf-8", newline="") as file:
        writer.writerows(
            [row[name] for name in COLUMNS] for row in csv.DictReader(file) if row["avilist_taxon_rank"] in RANKS
        )
    target = LISTS / f"{AVILIST}.gz"
    with target.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
        packed.write(text.getvalue().encode())
    print(f"{target}: {target.stat().st_size:,} bytes")


def _write_families() -> None:
    """As AviList has them: of a genus that it does not have, the family in which most of its species are now."""
    avilist = open_checklist("avilist@2025")
    families = {genus: family for family, genera in FORMER.items() for genus in genera.split()}
    for name in available_checklists():
        old = open_checklist(name)
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        for species, match in compare(old, avilist).matches.items():
            if match.new is not None:
                votes[species.split()[0]][match.new.family] += 1
        families |= {genus: counted.most_common(1)[0][0] for genus, counted in votes.items()}
        families |= {genus: family for genus, family in old.family_of_genus.items() if genus not in families}
    families |= avilist.family_of_genus
    target = LISTS / "genus_families.csv"
    lines = ["genus,family", *(f"{genus},{family}" for genus, family in sorted(families.items()))]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{target}: {len(families):,} genera")


if __name__ == "__main__":
    main()
