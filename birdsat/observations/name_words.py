"""Words that stand in columns of names: genera of birds, words of English names, ranks, marks of doubt, authors.

The two files of words beside this one are made by tools/make_bird_words.py from the checklists of AviList 2025
(CC BY 4.0, AviList Core Team), eBird/Clements, BirdLife and IBP, with genera that these have given up.
"""

from functools import cache
from importlib.resources import files


@cache
def bird_genera() -> frozenset[str]:
    """Genera of birds, today's and former ones, as they are written: "Larus"."""
    return _file("bird_genera.txt")


@cache
def english_nouns() -> frozenset[str]:
    """Words that English names of birds end in, and no genus is called: "warbler"."""
    return _file("bird_nouns.txt")


@cache
def only_english() -> frozenset[str]:
    """Those of the nouns that are not epithets as well: "White ibis", and Bubulcus ibis."""
    return english_nouns() - NOUNS_AND_EPITHETS


@cache
def lower_genera() -> frozenset[str]:
    """Genera of birds in small letters, as English names have some of them: "African jacana"."""
    return frozenset(genus.lower() for genus in bird_genera())


def _file(name: str) -> frozenset[str]:
    return frozenset(files("birdsat.observations").joinpath(name).read_text(encoding="utf-8").split())


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NOUNS_AND_EPITHETS = _words(
    "ani aracari argus besra boobook brubru chukar ibis inca lory maleo mango merganser motmot phoebe skua"
)
# What is written where no taxon is known, whole cells in small letters.
NO_NAME = frozenset(
    {
        *("", "-", "--", ".", "?", "na", "n/a", "#n/a", "nan", "none", "null", "nil", "unknown", "unid", "unid."),
        *("unidentified", "undetermined", "indet", "indet.", "incertae sedis", "not identified", "no id", "bird"),
        *("unknown bird", "unidentified bird", "unidentified species", "unknown species", "bird sp.", "bird sp"),
        *("bird spp.", "sp.", "sp", "spp.", "birds", "unknown sp.", "unidentified sp.", "not known", "no taxon"),
        *("no species", "bird species", "no observation"),
        *("mystery mystery", "sonus naturalis"),  # xeno-canto's recordings of nobody knows what, and of landscapes
    }
)
ABOVE_GENUS = _words(
    "animalia chordata vertebrata tetrapoda aves neornithes palaeognathae neognathae galloanserae neoaves passeri "
    "tyranni oscines suboscines passerida corvides sylviida"
)
RANKS_ABOVE = _words(
    "domain kingdom subkingdom phylum subphylum superclass class subclass infraclass superorder order suborder "
    "infraorder parvorder superfamily epifamily family subfamily supertribe tribe subtribe genus subgenus section "
    "series zoosection zoosubsection cohort classis ordo ord familia fam gen"
)
RANKS_OF_CROSSES = _words("hybrid genushybrid nothospecies nothogenus")
RANKS_OF_GROUPS = _words("complex speciesaggregate aggregate speciesgroup superspecies speciescomplex")
RANKS_BELOW = _words("subsp ssp subspecies var variety f fo forma form morph race ab")
# Behind a genus: that its species is not named.
NO_EPITHET = _words(
    "sp spp ssp subsp spec specs species indet undet gen nov ined unid unidentified unknown undetermined complex group "
    "agg aggr aggregate superspecies"
)
# Before an epithet: that it may be another.
DOUBT = _words(
    "cf cfr c.f aff nr near prope conf confer poss possible possibly prob probable probably presumed presumably like "
    "tentative tentatively uncertain unsure dubious doubtful unconfirmed maybe perhaps"
)
# Between two names: that it is one of them.
OR = _words("or vel oder vs versus")
AND = _words("and & et und y")
# Small words that begin an author's name, or stand between two, or before a reference.
OF_AUTHORS = _words(
    "af and apud auct auctt bin d da dal de del della den der des di do dos du e el emend et ex fide in la le lo los "
    "nec nom non of op orth san sensu st te ten ter und van vel vom von y zu zum zur"
)
# What observers write behind a species: ages, sexes, signs of it.
OF_OBSERVERS = _words(
    "ad adult adults juv juvs juvenile juveniles imm immature immatures subad subadult subadults male males female "
    "females pair pairs chick chicks nestling nestlings nest nests egg eggs pull pulli fledgling fledglings "
    "feral domestic captive type form song call heard seen flock breeding winter summer nominate stricto lato dead "
    "alive"
)
# Authors of genera, for those who stand behind one without a year.
AUTHORS = _words(
    "Linnaeus Linnæus Linne Linné Gmelin Latham Vieillot Temminck Brisson Cuvier Lesson Swainson Bonaparte Gould "
    "Cabanis Reichenbach Gray Sclater Salvin Ridgway Baird Brehm Boie Kaup Illiger Lacepede Lacépède Lacépede Leach "
    "Stephens Vigors Horsfield Hodgson Blyth Jerdon Swinhoe Sharpe Oates Mathews Oberholser Hartert Rothschild Chapman "
    "Zimmer Hellmayr Stresemann Mayr Coues Cassin Lafresnaye Lichtenstein Wagler Spix Sundevall Reichenow Heine Pallas "
    "Scopoli Forster Bechstein Savigny Audubon Wilson Nuttall Townsend Ord Moehring Merrem Fleming Selby Eyton Koch "
    "Hablizl Forskål Forskal Shaw Geoffroy Desmarest Quoy Gaimard Bp Vieill Lath Gm"
)
COMPOUND = _words("novae sancti sanctae")  # first halves of epithets: "novae hollandiae"
