"""How virtual birds are built and marked: body plan by family, proportions by genus, plumage by species."""

import colorsys
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

Colour = tuple[float, float, float]  # red, green, blue, 0..1
Stance = Literal["perch", "post", "swim", "shore", "wade", "trunk"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """A silhouette seen from the side; lengths in units of the body's length, angles in degrees upwards."""

    stance: Stance
    upright: float  # angle of the body against the ground
    depth: float  # of the body
    head: float  # radius
    neck: float  # length
    bill: float  # length
    bill_depth: float  # at the base
    bill_bend: float  # how far the tip drops
    tail: float  # length
    tail_spread: float  # half width at the end
    leg: float  # length shown under the body


@dataclass(frozen=True, kw_only=True, slots=True)
class Plumage:
    """Colours and marks. Two species with equal body and plumage cannot be told apart by looks."""

    back: Colour
    wing: Colour
    belly: Colour
    breast: Colour
    head: Colour
    cap: Colour
    throat: Colour
    tail: Colour
    bill: Colour
    legs: Colour
    bars: Colour
    bar_count: int  # wing bars, 0..2
    stripe: Colour
    stripe_width: float  # through the eye, in head radii; 0: none
    collar: Colour
    collar_width: float  # ring round the neck, in head radii; 0: none
    speckle: float  # streaks on the breast, 0..1
    tail_band: bool  # tail ends in the colour of the bars


_ACCENTS = (0.0, 0.03, 0.08, 0.14, 0.33, 0.56, 0.66, 0.85)  # hues of the marks


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """What the genera of a family have in common."""

    order: str
    noun: str  # of the common names
    body: Body
    hues: tuple[float, ...]  # where the ground colours of its genera lie on the colour circle, 0..1
    gaudy: float  # how saturated, 0..1


def _body(stance: Stance, *lengths: float) -> Body:
    names = ("upright", "depth", "head", "neck", "bill", "bill_depth", "bill_bend", "tail", "tail_spread", "leg")
    return Body(stance=stance, **dict(zip(names, lengths, strict=True)))


FAMILIES = (
    Family(
        order="Passeriformes",
        noun="songster",
        body=_body("perch", 34, 0.56, 0.235, 0.02, 0.20, 0.11, 0.0, 0.60, 0.10, 0.20),
        hues=(0.12, 0.58, 0.03, 0.30),
        gaudy=0.75,
    ),
    Family(
        order="Accipitriformes",
        noun="hawk",
        body=_body("post", 62, 0.52, 0.205, 0.0, 0.15, 0.15, 0.10, 0.55, 0.15, 0.18),
        hues=(0.07, 0.09, 0.60),
        gaudy=0.40,
    ),
    Family(
        order="Anseriformes",
        noun="duck",
        body=_body("swim", 4, 0.54, 0.20, 0.20, 0.26, 0.13, -0.01, 0.24, 0.07, 0.0),
        hues=(0.08, 0.36, 0.56, 0.02),
        gaudy=0.60,
    ),
    Family(
        order="Charadriiformes",
        noun="strandrunner",
        body=_body("shore", 16, 0.44, 0.175, 0.10, 0.46, 0.06, 0.02, 0.26, 0.06, 0.55),
        hues=(0.08, 0.06, 0.11),
        gaudy=0.35,
    ),
    Family(
        order="Pelecaniformes",
        noun="heron",
        body=_body("wade", 30, 0.36, 0.12, 0.72, 0.44, 0.08, 0.0, 0.22, 0.07, 0.85),
        hues=(0.58, 0.62, 0.05, 0.75),
        gaudy=0.40,
    ),
    Family(
        order="Piciformes",
        noun="woodpecker",
        body=_body("trunk", 74, 0.42, 0.19, 0.05, 0.30, 0.10, 0.0, 0.50, 0.07, 0.12),
        hues=(0.0, 0.24, 0.13),
        gaudy=0.65,
    ),
)


def genus_body(random: np.random.Generator, family: Family) -> Body:
    """The family's body with the proportions of one genus."""
    plan = family.body

    def vary(value: float, spread: float) -> float:
        return float(value * np.exp(random.uniform(-spread, spread)))

    return replace(
        plan,
        upright=plan.upright + float(random.uniform(-7, 7)),
        depth=vary(plan.depth, 0.13),
        head=vary(plan.head, 0.12),
        neck=vary(plan.neck, 0.25),
        bill=vary(plan.bill, 0.40),
        bill_depth=vary(plan.bill_depth, 0.25),
        bill_bend=plan.bill_bend + float(random.choice([-0.03, 0.0, 0.06])),
        tail=vary(plan.tail, 0.32),
        tail_spread=vary(plan.tail_spread, 0.35),
        leg=vary(plan.leg, 0.22),
    )


def genus_plumage(random: np.random.Generator, family: Family) -> Plumage:
    """The ground colours that the species of a genus share."""
    hue = float(random.choice(family.hues)) + float(random.uniform(-0.04, 0.04))
    gaudy = family.gaudy * float(random.uniform(0.5, 1.0))
    light = float(random.uniform(0.32, 0.62))
    back = _colour(hue, gaudy, light)
    belly = _colour(hue + float(random.uniform(-0.08, 0.08)), gaudy * 0.45, float(random.uniform(0.78, 0.95)))
    bill_colours: tuple[Colour, ...] = ((0.15, 0.14, 0.14), (0.85, 0.62, 0.18), (0.45, 0.42, 0.40), (0.80, 0.32, 0.15))
    bill = bill_colours[random.integers(len(bill_colours))]
    legs = bill_colours[random.integers(len(bill_colours))]
    dark, pale = _colour(hue, gaudy, light * 0.45), _colour(hue, gaudy * 0.3, 0.93)
    return Plumage(
        back=back, wing=_colour(hue, gaudy * 0.8, light * 0.72), belly=belly, breast=belly, head=back, cap=back,
        throat=belly, tail=_colour(hue, gaudy * 0.7, light * 0.6), bill=bill, legs=legs,
        bars=pale, bar_count=0, stripe=dark, stripe_width=0.0, collar=dark, collar_width=0.0,
        speckle=0.0, tail_band=False,
    )  # fmt: skip


def species_plumage(random: np.random.Generator, genus: Plumage, family: Family, rank: int) -> Plumage:
    """The genus' plumage with the marks of its species number `rank`; no two ranks share all marks."""
    black, white = (0.08, 0.08, 0.09), (0.95, 0.94, 0.92)

    def accent() -> Colour:
        hue = _ACCENTS[random.integers(len(_ACCENTS))]
        return _colour(hue, 0.45 + 0.5 * family.gaudy * random.random(), float(random.uniform(0.28, 0.66)))

    def ink() -> Colour:
        return (black, white, accent(), accent())[random.integers(4)]

    # One mark is certain for each rank, so that congeners differ in at least two; the rest is luck.
    certain = ("cap", "breast", "stripe", "throat", "collar", "head")
    marks = {certain[rank % len(certain)], certain[(rank + 3) % len(certain)]}
    marks |= {mark for mark in ("bars", "speckle", "tail_band", "belly") if random.random() < 0.35}
    changes: dict[str, object] = {mark: ink() for mark in ("cap", "breast", "throat", "head") if mark in marks}
    if "head" in marks and "cap" not in marks:
        changes["cap"] = changes["head"]
    if "stripe" in marks:
        changes |= {"stripe": ink(), "stripe_width": float(random.uniform(0.22, 0.42))}
    if "collar" in marks:
        changes |= {"collar": ink(), "collar_width": float(random.uniform(0.35, 0.65))}
    if "bars" in marks:
        changes |= {"bars": ink(), "bar_count": int(random.integers(1, 3))}
    if "speckle" in marks:
        changes["speckle"] = float(random.uniform(0.5, 0.9))
    if "belly" in marks:
        changes["belly"] = accent()
    return replace(genus, tail_band="tail_band" in marks, **changes)  # type: ignore[arg-type]


def darker(colour: Colour) -> Colour:
    """About a third of the light."""
    red, green, blue = colour
    return 0.35 * red, 0.35 * green, 0.35 * blue


def _colour(hue: float, saturation: float, value: float) -> Colour:
    return colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0))
