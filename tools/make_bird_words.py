"""Write birdsat/observations/bird_genera.txt and bird_nouns.txt anew, from the checklists in the package `birdnames`.

    pip install birdnames==0.1.3
    python tools/make_bird_words.py

The first file has every genus of birds, today's and those of older books, a line each; the second the words that
English names of birds end in ("warbler"). They tell a scientific name from an English one, whatever its capitals.
"""

import csv
import importlib.resources
import re
from pathlib import Path

HERE = Path(__file__).parents[1] / "birdsat" / "observations"
NOT_GENERA = re.compile(r"(idae|inae|iformes)$")
# Genera that checklists have given up, by which records and photos of their time are still named.
FORMER = (
    "Accentor Ampelis Anorthura Anthropoides Aphriza Archibuteo Astragalinus Astur Asturina Asyndesmus Balanosphyra "
    "Budytes Bugeranus Burrica Calamodus Canachites Capella Casmerodius Catharacta Catoptrophorus Centurus Ceophloeus "
    "Cerchneis Chaemepelia Chaulelasmus Chen Chlorura Chrysomitris Cissilopha Clivicola Colymbus Compsothlypis Cotyle "
    "Coturniculus Cyanospiza Cyanosylvia Dafila Dendroica Erythrina Erythropus Eudromias Eulabeia Eurynorhynchus "
    "Guiraca Haemophila Halocyptena Hedymeles Helminthophaga Helminthophila Hesperiphona Heteroscelus Hoplopterus "
    "Hypoleucos Iridoprocne Ketupa Lampronetta Limicola Lyrurus Megaquiscalus Melopelia Merula Mesophoyx Micropalama "
    "Miliaria Myiochanes Nannus Nettion Nuttallornis Nyctea Nyroca Oberholseria Oceanodroma Oidemia Oreospiza "
    "Otocoris Parula Passerherbulus Pastor Penthestes Philacte Philomachus Planesticus Pyrrhuloxia Querquedula "
    "Ruticilla Schoeniclus Seicercus Seiurus Stellula Stictocarbo Sylvania Telmatodytes Tetrao Tryngites Urinator "
    "Wilsonia Xanthoura Zamelodia Zenaidura"
)


def main() -> None:
    genera, nouns = set(FORMER.split()), {"bird"}
    for table in importlib.resources.files("birdnames").joinpath("data/processed").iterdir():
        with table.open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                first, *others = row["scientific_name"].split()
                if not first.isalpha() or NOT_GENERA.search(first):
                    continue
                is_species = bool(others) and others[0].isalpha()  # and not "Aves (gen, sp)"
                if is_species or row.get("avilist_taxon_rank") == "genus":
                    genera.add(first)
                names = [value for column, value in row.items() if column.endswith("_common_name") and value]
                if row.get("avilist_taxon_rank", "species") == "species":
                    words = [re.split(r"[\s-]", name.partition(" (")[0])[-1].lower() for name in names]
                    nouns.update(word for word in words if word.isalpha())
    nouns -= {"hybrid", *(genus.lower() for genus in genera)}  # "Euphonia" is both
    for name, words in (("bird_genera.txt", genera), ("bird_nouns.txt", nouns)):
        (HERE / name).write_text("\n".join(sorted(words)) + "\n", encoding="utf-8")
        print(f"{HERE / name}: {len(words):,} words")


if __name__ == "__main__":
    main()
