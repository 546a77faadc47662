"""The parts of a map's report, as HTML, in the order of ODMAP (Zurell and others 2020, doi 10.1111/ecog.04960)."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from birdsat.maps.description import ABSENCES, BY_EFFORT, RECORDS, SURVEYED, UNDATED, WITHIN, MapDescription
from birdsat.maps.range_file import plain_area
from birdsat.maps.seasons import month_names, short_months
from birdsat.metrics import INTERVAL, figure_texts
from birdsat.ranges.covariates.named import CHIP, PLACE, USUAL_INPUTS
from birdsat.tables import Table
from birdsat.workflows.pages import escaped, html_table
from birdsat.workflows.report_facts import MapFacts
from birdsat.workflows.report_parts import (
    bullets,
    counted,
    day_of,
    figure,
    pairs,
    paragraph,
    plain_words,
    short_area,
    side_of_degrees,
)
from birdsat.workflows.report_words import (
    CITED,
    LIMITS,
    NOT_KNOWN,
    NOT_KNOWN_ROWS,
    SETTINGS,
    THRESHOLDS,
    figure_words,
    imagery_credit,
)

_LEAST_RECORDS = 10  # that areas' intervals were tried on


def sections(facts: MapFacts, pictures: Mapping[str, str]) -> dict[str, str]:
    """The parts by the template's names."""
    about, making = facts.about, facts.about.making
    versions = ", ".join(f"{name} {one}" for name, one in making.versions.items())
    return {
        "heading": _heading(about),
        "lead": escaped(_lead(facts)),
        "tiles": "".join(_tiles(facts)),
        "map_figure": _map_figure(facts, pictures["map"]),
        "overview": html_table(_overview(facts)),
        "data": _data(facts),
        "effort": _effort(facts, pictures),
        "predictors": _predictors(about),
        "model": _model(facts),
        "assessment": _assessment(facts),
        "thresholds": _thresholds(facts),
        "ranges": _ranges(facts, pictures),
        "uncertainty": _uncertainty(facts, pictures),
        "applicability": _applicability(facts),
        "limits": bullets(_limits(facts)),
        "citations": _citations(facts),
        "commands": _commands(facts),
        "footer": escaped(f"{facts.file}, made {day_of(facts.created)}" + (f" with {versions}." if versions else ".")),
    }


def _heading(about: MapDescription) -> str:
    title = f"<i>{escaped(about.title)}</i>" if about.is_taxon else escaped(about.title)
    return f"{escaped(about.common_name)} <small>({title})</small>" if about.common_name else title


def _lead(facts: MapFacts) -> str:
    about = facts.about
    when = f"in {month_names(about.months)}" if len(about.months) < 12 else "in every month"
    when = when if about.months else "over the year"
    of = f"Where {about.title} lives" if about.is_taxon else about.title
    meaning = about.quantity.explanation
    said = f" {meaning[:1].upper()}{meaning[1:]}." if meaning else ""
    return f"{of} {when}, on cells of {about.grid.step_text}.{said}"


def _tiles(facts: MapFacts) -> Iterable[str]:
    about = facts.about
    points = about.sources.get(RECORDS, "")
    if points.isdecimal():
        yield _tile(f"{int(points):,}", "records of the taxon", "after cleaning and thinning")
    own = about.evaluation.get("taxon_held_out_auc")
    auc = about.evaluation.get("held_out_auc", math.nan) if own is None else own
    if math.isfinite(auc) and about.evaluated:
        taxa = about.evaluation.get("held_out_taxa", 1) if own is None else 1
        note = f"mean of {taxa:,.0f} taxa; 0.5 by chance" if taxa > 1 else "0.5 by chance"
        yield _tile(f"{auc:.2f}", "AUC on blocks held out", note)
    elif facts.has_fit:
        yield _tile("–", "not evaluated", "too few records, or in too few places")
    if facts.areas is not None:
        area = sum(part["area_km2"] or 0 for part in facts.areas["ranges"])
        if len({part["season"] for part in facts.areas["ranges"]}) == len(facts.areas["ranges"]):
            yield _tile(short_area(area), "square kilometres of range", f"all seasons, at {_threshold(facts.areas)}")
    if math.isfinite(facts.inside):
        yield _tile(f"{facts.inside:.0%}", "of the map in the area of applicability", "by area")


def _tile(value: str, what: str, note: str) -> str:
    return (
        f'<div class="tile"><b>{escaped(value)}</b><span class="what">{escaped(what)}</span>'
        f"<small>{escaped(note)}</small></div>"
    )


def _map_figure(facts: MapFacts, picture: str) -> str:
    # Of many months, a narrow screen shows some at a time.
    wide = " wide" if len(facts.about.months) > 2 else ""
    return f'<div class="map{wide}">{figure(picture, _map_caption(facts))}</div>'


def _map_caption(facts: MapFacts) -> str:
    hatched = " Hatched: places unlike all with records." if math.isfinite(facts.inside) and facts.inside < 1 else ""
    return f"{facts.about.quantity.name.capitalize()}.{hatched}"


def _overview(facts: MapFacts) -> Table:
    about = facts.about
    box = about.grid.box
    sides = [(side_of_degrees(box.west, "EW"), side_of_degrees(box.east, "EW"))]
    sides.append((side_of_degrees(box.south, "NS"), side_of_degrees(box.north, "NS")))
    rows = {
        "taxon" if about.is_taxon else "subject": about.heading,
        "named by": about.sources.get("taxonomy", "the names of the tables" if facts.has_fit else ""),
        "what is mapped": about.quantity.name,
        "extent": ", ".join(f"{low} to {high}" for low, high in sides),
        "cells": f"{about.grid.step_text}; {about.grid.rows:,} x {about.grid.columns:,}; "
        f"{plain_area(facts.area_km2)} square kilometres have a value",
        "months": month_names(about.months) if about.months else "the whole year at once",
        "model": about.model,
        "made": day_of(facts.created),
    }
    return pairs(rows)


def _data(facts: MapFacts) -> str:
    about, rows = facts.about, facts.about.making.rows
    if not facts.has_fit:
        return paragraph("None: the map is of what a run learned of the taxon's photos.")
    if not rows:
        return paragraph(f"From {facts.tables}. {NOT_KNOWN_ROWS}")
    table = Table(columns=["", "rows or records"])
    table.add_row(f"rows of {facts.tables}", counted(rows.get("rows")))
    for reason, count in rows.get("dropped", {}).items():
        table.add_row(f"dropped: {reason}", counted(count))
    table.add_row("the same taxon, place and date again", counted(rows.get("repeats")))
    if absences := rows.get("absences"):
        table.add_row("rows that say that a taxon was looked for and not found", counted(absences))
    table.add_row("different records of all taxa, which say where was looked", counted(rows.get("records")))
    table.add_row("records of the taxa fitted, on cells", counted(rows.get("used")))
    if points := about.sources.get(RECORDS):
        table.add_row("of them, of this taxon", points)
    for reason, count in rows.get("noted", {}).items():
        table.add_row(f"used, but: {reason}", counted(count))
    table.caption = (
        "Reasons are counted of the rows of all tables; those about cells, months and the sea of the records of the "
        "taxa fitted alone, and so are those about thinning."
    )
    return html_table(table)


def _effort(facts: MapFacts, pictures: Mapping[str, str]) -> str:
    bias = facts.about.sources.get("observer bias", "")
    if not facts.has_fit:
        return paragraph("It has no part in this map: no record was fitted to.")
    if not bias:
        return paragraph(NOT_KNOWN)
    if bias == "not corrected":
        return paragraph(
            "Observer bias was not corrected: no records of other taxa say where else was looked. "
            "A place may be low because nobody went there."
        )
    share = facts.about.sources.get(BY_EFFORT, "")
    drawn = "The background is drawn by that"
    if "corrected by the records of" in bias:
        drawn = "Most of the background is drawn where anybody recorded anything"  # of a model of an earlier release
        if share:
            drawn = f"{share} of the background is drawn where anybody recorded anything, by visits, the rest anywhere"
    because = "a place is not taken for a good one because observers go there"
    if facts.about.bias_left:
        because = (
            "these records tell little of where the taxon would have been seen, so that hardly any bias is corrected"
        )
    text = f"Observer bias: {bias}. {drawn}: {because}."
    drawn_map = figure(pictures["effort"], "Relative effort per area; 1 is the mean.") if "effort" in pictures else ""
    return paragraph(text) + drawn_map


def _predictors(about: MapDescription) -> str:
    imagery, credit = about.sources.get("imagery", "imagery that is not known"), imagery_credit(about)
    named = _inputs(about)
    told = [f"what satellite chips around it show, from {imagery}"] if CHIP in named else []
    told += ["where it lies"] if PLACE in named else []
    covariates = ", ".join(one for one in named if one not in USUAL_INPUTS)
    told += [f"what rasters or tables say there: {covariates}"] if covariates else []
    text = f"{', and '.join(told)}."
    return paragraph(f"{text[:1].upper()}{text[1:]}" + (f" {credit}" if credit and CHIP in named else ""))


def _model(facts: MapFacts) -> str:
    making = facts.about.making
    if not facts.has_fit:
        return paragraph(f"By {facts.about.model}: the likeness of the taxon's photos to each place at mid-month.")
    if not making.settings:
        return paragraph(NOT_KNOWN)
    classifier, held_out = facts.about.sources.get("classifier", ""), facts.about.calibrated is not False
    each = "each was fitted to all records, as none could be held out"
    if held_out:
        each = "each was fitted without one part of the blocks of the Earth, which evaluates and calibrates it"
    words = paragraph(
        f"{f'Classifiers of each taxon, {classifier},' if classifier else 'Networks'} side by side, the members; {each}"
        ". The map is the mean of the members."
    )
    known = {SETTINGS[name]: plain_words(value) for name, value in making.settings.items() if name in SETTINGS}
    if held_out and (steps := making.settings.get("steps taken")) is not None:
        known[SETTINGS["steps taken"]] = f"{plain_words(steps)}, chosen on what was held out"
    rest = [f"{name} {plain_words(value)}" for name, value in making.settings.items() if name not in SETTINGS]
    table = pairs(known)
    table.caption = f"And {'; '.join(rest)}." if rest else ""
    return words + html_table(table)


def _assessment(facts: MapFacts) -> str:
    about = facts.about
    if not facts.has_fit:
        return paragraph("Not evaluated: nothing is held out of a map from photos.")
    if not about.evaluation:
        return paragraph(f"Not evaluated: {about.why_not_evaluated}.")
    table = Table(columns=["figure", "what it says", "value"], words=2)
    for name, shown in figure_texts(about.evaluation).items():
        table.add_row(name.replace("_", " "), figure_words(name), shown)
    table.caption = (
        f"On blocks of the Earth that were held out of the fit; with bounds of {INTERVAL:.0%} intervals, from drawing "
        "the blocks anew: how far figures differ from block to block. Among its records the map tends to be better "
        "than figures say, as each block was judged by what had learned nothing of it. Figures are of the whole range "
        "model, a mean over the taxa fitted together; those called taxon are of this one alone."
    )
    lacking = "" if about.evaluated else paragraph(f"This taxon was not evaluated: {about.not_held_out}.")
    return lacking + html_table(table)


def _thresholds(facts: MapFacts) -> str:
    making = facts.about.making
    if not facts.has_fit:
        return paragraph("None: a score ranks cells, and has no value from which on a taxon is there.")
    if not making.thresholds:
        return paragraph(f"None: {making.thresholds_of}." if making.thresholds_of else NOT_KNOWN)
    table = Table(columns=["name", "how it was chosen", "value"], words=2)
    for name, value in making.thresholds.items():
        table.add_row(name, THRESHOLDS.get(name, ""), f"{value:.3f}")
    table.caption = f"Chosen on {making.thresholds_of}."
    return html_table(table)


def _ranges(facts: MapFacts, pictures: Mapping[str, str]) -> str:
    areas = facts.areas
    if areas is None:
        return paragraph(
            "None was made of this map yet; `birdsat range` makes one."
            if facts.has_fit and facts.about.is_taxon
            else "None."
        )
    table = Table(columns=["season", "months", "km²", "from", "to"], words=2)
    for part in areas["ranges"]:
        shown = map(plain_area, (part["area_km2"], part["area_low_km2"], part["area_high_km2"]))
        table.add_row(part["season"], short_months(part["months"]), *shown)
    words = "with the values less and plus one standard deviation over the members"
    if facts.about.interval is not None:
        words = f"with all cells at the lower, and at the upper bounds of their {facts.about.interval:.0%} intervals"
    if share := areas.get("wrong_together"):
        words = f"with all cells {share:.0%} of the way to the lower, and to the upper bounds of their intervals"
        if facts.about.records >= _LEAST_RECORDS:
            words += "; on made worlds such areas hold the true one in about four of five"
    table.caption = (
        f"Cells whose mean over the season's months reaches {_threshold(areas)}, of passage in any of its months. From "
        f"and to: {words}. "
        f"Seasons: {areas['seasons']['told']}."
    )
    extents = Table(columns=["of", "extent of occurrence, km²", "area of occupancy, km²"])
    for extent in areas["extents"]:
        extents.add_row(extent["of"], plain_area(extent["eoo_km2"]), plain_area(extent["aoo_km2"]))
    why = dict.fromkeys(extent["why_no_aoo"] for extent in areas["extents"] if extent.get("why_no_aoo"))
    extents.caption = "IUCN (2022), sections 4.9 and 4.10; of a migrant, the smaller season counts." + "".join(
        f" No area of occupancy: {one}." for one in why
    )
    drawn = figure(pictures["range"], "Range by season.") if "range" in pictures else ""
    return drawn + html_table(table) + (html_table(extents) if extents.rows else "")


def _uncertainty(facts: MapFacts, pictures: Mapping[str, str]) -> str:
    if "doubt" not in pictures:
        return paragraph("Not known: the map has neither intervals nor standard deviations.")
    words = facts.about.doubt
    caption = f"{words[0].upper()}{words[1:]}, the mean over the months; over all cells {facts.doubt:.3f}. "
    if facts.about.interval is None:
        return figure(pictures["doubt"], caption + facts.about.quantity.std_explanation)
    caption += (
        f"On made worlds where it is known, the truth lies in the interval in about {facts.about.interval:.0%} of "
    )
    return figure(pictures["doubt"], f"{caption}cells; of errors that all records share it knows nothing.")


def _applicability(facts: MapFacts) -> str:
    if not math.isfinite(facts.inside):
        return paragraph("Not known: the map does not say where its model may be asked.")
    return paragraph(
        f"{facts.inside:.1%} of the map's area is like places with records (dissimilarity index, Meyer and Pebesma "
        "2021). Elsewhere, hatched in the map, the values are a guess about places that the model knows nothing like."
    )


def _limits(facts: MapFacts) -> Iterable[str]:
    about = facts.about
    if not facts.has_fit:
        yield "A score ranks cells of one taxon; it is not a probability, and has no threshold."
        return
    yield from LIMITS
    if about.bias_left:
        yield f"Observer bias is {about.bias_left}."
    if not about.evaluation:
        lacks = "not" if about.calibrated else "neither calibrated nor"
        yield f"The map is {lacks} evaluated: {about.why_not_evaluated}."
    elif not about.evaluated:
        yield f"This taxon was not evaluated: {about.not_held_out}."
    # In other words, here.
    said = ("not ", "calibrated with", "evaluated on", "observer bias", "undated", "the same in")
    yield from (f"{one[:1].upper()}{one[1:]}." for one in about.cautions if not one.startswith(said))
    if about.making.settings.get("regional"):
        yield "It was evaluated among the records alone: nothing tells how good the map is away from them."
    if not about.dated:
        yield f"All months are the same: {about.sources.get(UNDATED, 'no record says when')}."
    if about.making.thresholds_of.startswith("pooled"):
        yield "The thresholds are those of all taxa together, as too few records of this one could be held out."
    if math.isfinite(facts.inside) and facts.inside < 0.5:
        yield "More than half of the map lies outside the area of applicability."
    if facts.areas is not None and facts.areas.get("reaches_edge_of_map"):
        yield "The range reaches the edge of the map: areas and extents are those of the part within it."
    if within := about.sources.get(WITHIN):
        yield f"The map holds what lies within the polygons of {within} alone, and so do areas and extents."
    if CHIP in _inputs(about) and imagery_credit(about):
        yield "Cells are of a quarter degree, and the imagery is of 2004: nothing smaller is seen, and no change since."


def _citations(facts: MapFacts) -> str:
    about = facts.about
    holds = {
        "all": True,
        "fit": facts.has_fit,
        "network": facts.has_fit and "classifier" not in about.sources,
        "hinges": "regression" in about.making.settings,
        "surveys": any(name in about.sources for name in (ABSENCES, SURVEYED)),
        "range": bool(facts.areas),
    }
    cited = [one for what, of in CITED.items() if holds[what] for one in of]
    licences = []
    if facts.has_fit:
        licences.append(
            f"Records: {facts.tables}, on the terms of their publishers. Of a download from GBIF, cite its "
            "DOI; eBird, iNaturalist and others say how they are to be cited."
        )
    inputs = _inputs(about) if facts.has_fit else [CHIP]
    if CHIP in inputs:
        credit = imagery_credit(about)
        whose = credit or about.sources.get("imagery", "not known") + ", on the terms of whoever gave it."
        licences.append(f"Imagery: {whose}")
    if covariates := [one for one in inputs if one not in USUAL_INPUTS]:
        licences.append(f"Covariates: {', '.join(covariates)}, on the terms of whoever gave them.")
    licences.append("birdsat: MIT licence. The map falls under the terms of what it was made from.")
    return bullets(cited) + "<h3>Licences</h3>" + bullets(licences)


def _inputs(about: MapDescription) -> list[str]:
    """What the map learned from: chip, place and names of covariates."""
    return about.sources.get("inputs", ", ".join(USUAL_INPUTS)).split(", ")


def _commands(facts: MapFacts) -> str:
    commands = list(facts.about.making.commands)
    if facts.areas and facts.areas["command"]:
        commands.append(facts.areas["command"])
    if not facts.about.making.commands:
        return paragraph(f"The command that made the map: {NOT_KNOWN.lower()}")
    return f"<pre>{escaped(chr(10).join([*commands, facts.report_command]))}</pre>"


def _threshold(areas: Mapping[str, Any]) -> str:
    return f"{float(areas['threshold']['value']):.3g} ({areas['threshold']['name']})"
