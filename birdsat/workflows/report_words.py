"""What a map's report says in the same words for every map."""

from collections.abc import Mapping, Sequence

from birdsat.embeddings.regions.world import built_in_world
from birdsat.errors import BirdsatError
from birdsat.maps.description import MapDescription

NOT_KNOWN = "Not known: the map is of an earlier release, or says nothing of it."
NOT_KNOWN_ROWS = "What became of their rows is not known: the map, or its range model, is of an earlier release."

FIGURES: Mapping[str, str] = {
    "held_out_taxa": "taxa that the figures are a mean of",
    "held_out_points": "records that were held out",
    "held_out_block_km": "side of the blocks that they were held out in, km",
    "held_out_auc": "how often a held-out record has a higher value than background held out with it; 0.5 by chance",
    "held_out_auc_even_background": "the AUC against background even by area; it prefers a map that follows where "
    "people look, so do not choose by it",
    "held_out_boyce": "continuous Boyce index: do records come more often, the higher the value; 0 by chance, 1 best",
    "held_out_calibration_error": "how far shares of records are from the value, on average; 0 best",
    "held_out_brier": "mean square of what is between value and truth; 0 best, 0.25 by chance",
    "held_out_survey_taxa": "taxa with surveys that were held out",
    "held_out_survey_rows": "surveys that were held out",
    "held_out_survey_auc": "how often a place where a taxon was found has a higher value than one where it was not",
    "held_out_survey_average_precision": "precision of these, over all thresholds; by chance the share found",
}
THRESHOLDS: Mapping[str, str] = {
    "p10": "nine tenths of the held-out records have it or more",
    "max_sss": "sensitivity and specificity, against background, add up to the most (Liu and others 2013)",
    "equal": "sensitivity and specificity are as nearly alike as they get (Liu and others 2005)",
    "prevalence": "that of the rows fitted to, of which records and background weigh alike (Liu and others 2005)",
}
SETTINGS: Mapping[str, str] = {
    "way": "fitted to",
    "taxa fitted together": "taxa fitted together",
    "members": "members",
    "block_km": "side of the blocks held out, km",
    "regional": "blocks narrowed to a small region of records",
    "steps taken": "steps of training",
    "regression": "beside the networks, of each taxon",
    "inputs": "principal components of chips and place",
    "width": "width of a member",
    "depth": "residual blocks of a member",
    "dropout": "dropout",
    "noise": "noise added to the inputs, of the first to the last member",
    "harmonics": "pairs of seasonal terms of a taxon",
    "basis_harmonics": "harmonics of the year that these are made of",
    "seed": "seed",
}
LIMITS: Sequence[str] = (
    "The values are relative: records of presence do not tell what share of all places a taxon occupies. Compare "
    "places and months of one taxon; the maps of a rare and a common one are not abundances.",
    "A value says that a place is like those with records, by what the model learned from. Barriers, competitors, "
    "hunting and history are seen as far as that shows them.",
    "The uncertainty is of the records that happened to be there; a habit that all observers share is not in it.",
    "A range is a cut through the values. Another threshold gives another range, and neither is where the taxon was "
    "seen. It is not an assessment for the Red List.",
)
CITED: Mapping[str, Sequence[str]] = {  # by what a map is or has
    "all": (
        "Sastry and others (2024): BirdSAT: Cross-View Contrastive Masked Autoencoders for Bird Species Classification "
        "and Mapping. WACV.",
        "Zurell and others (2020): A standard protocol for reporting species distribution models. Ecography 43, "
        "1261-1277, doi 10.1111/ecog.04960. The order of this page.",
    ),
    "fit": (
        "Phillips and others (2009): Sample selection bias and presence-only distribution models. Ecological "
        "Applications 19, 181-197. The background.",
        "Meyer and Pebesma (2021): Predicting into unknown space? Methods in Ecology and Evolution 12, 1620-1633. The "
        "area of applicability.",
        "Liu and others (2005): Selecting thresholds of occurrence in the prediction of species distributions. "
        "Ecography 28, 385-393; Liu, White and Newell (2013): Selecting thresholds for the prediction of species "
        "occurrence with presence-only data. Journal of Biogeography 40, 778-789. The thresholds.",
    ),
    "network": (
        "Cole and others (2023): Spatial Implicit Neural Representations for Global-Scale Species Mapping. ICML. The "
        "loss.",
    ),
    "hinges": (
        "Phillips and Dudik (2008): Modeling of species distributions with Maxent: new extensions and a comprehensive "
        "evaluation. Ecography 31, 161-175. Covariates bent at knots.",
    ),
    "surveys": (
        "Fithian and others (2015): Bias correction in species distribution models: pooling survey and collection data "
        "for multiple species. Methods in Ecology and Evolution 6, 424-438. Surveys beside records of presence.",
    ),
    "range": (
        "IUCN Standards and Petitions Committee (2022): Guidelines for Using the IUCN Red List Categories and "
        "Criteria, version 15.1. Extents.",
    ),
}


def figure_words(name: str) -> str:
    """What a figure of a map says; "" of one that is not known."""
    of_taxon = name.removeprefix("taxon_").replace("auc_even", "auc_even_background")
    if name.startswith("taxon_"):
        return f"of this taxon alone: {FIGURES[of_taxon]}" if of_taxon in FIGURES else ""
    return FIGURES.get(name, "")


def imagery_credit(about: MapDescription) -> str:
    """Whose the imagery of the built-in world is, and on what terms; "" for a map of other cells."""
    try:
        making = built_in_world().manifest.making
    except BirdsatError:  # its files are damaged: a report of a finished map does not need them
        return ""
    if about.sources.get("imagery") != making.imagery.name:
        return ""
    return f"{making.imagery.credit} Elevation: {making.elevation.credit}"
