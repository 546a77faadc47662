"""One bird painted from its body, plumage and pose."""

import numpy as np

from birdsat.virtual.backdrop import Scene
from birdsat.virtual.birds import Body, Plumage, darker
from birdsat.virtual.canvas import Canvas, Plane, Point, blend
from birdsat.virtual.pose import Pose


def paint_bird(
    canvas: Canvas, body: Body, plumage: Plumage, pose: Pose, scene: Scene, random: np.random.Generator
) -> None:
    """Far leg to near eye, back to front."""
    turn, deep, at, head, nod = pose.turn, pose.deep, pose.at, pose.head, pose.nod
    behind = canvas.image.copy()
    _stand(canvas, body, plumage, pose, scene, random)
    _tail(canvas, body, plumage, pose)

    trunk = canvas.oval((0.0, 0.0), 0.5, deep, turn)
    chest = canvas.disc(at(0.16, -0.06 * deep), 0.86 * deep)
    rump = canvas.taper(at(-0.2, 0.1 * deep), at(-0.56, 0.12 * deep), 0.66 * deep, 0.06)
    torso = blend(blend(trunk, chest, 0.06), rump, 0.05)
    slim = max(0.58 * body.head, 0.035)
    base = 0.55 * deep if body.neck < 0.4 else 1.5 * slim
    neck = canvas.taper(pose.shoulder, pose.throat, max(base, slim), max(0.5 * (base + slim), slim))
    neck = np.minimum(neck, canvas.taper(pose.throat, head, max(0.5 * (base + slim), slim), slim))
    skull = canvas.disc(head, body.head)
    outline = canvas.cover(blend(blend(torso, neck, 0.07), skull, 0.05))

    _bill(canvas, body, plumage, pose)
    along, across = canvas.turned((0.0, 0.0), turn)
    soft = 0.09
    belly_side = np.clip(0.5 - (across + 0.10 * deep) / soft, 0, 1)
    front = np.clip(0.5 + (along - 0.10) / soft, 0, 1)
    near_head = canvas.cover(skull - 0.02)
    on_neck = canvas.cover(neck - 0.01) * np.clip(0.5 + (along - 0.22) / soft, 0, 1)
    canvas.paint(outline, plumage.back)
    canvas.paint(outline * belly_side, plumage.belly)
    canvas.paint(outline * belly_side * front, plumage.breast)
    if plumage.speckle:
        _speckle(canvas, outline * belly_side * np.clip(0.5 + (along + 0.06) / soft, 0, 1), plumage)
    canvas.paint(outline * np.maximum(on_neck, near_head), plumage.head)
    _face(canvas, body, plumage, head, nod, outline, near_head)
    if plumage.collar_width:
        _collar(canvas, body, plumage, pose.throat, head, outline)
    _wing(canvas, body, plumage, pose)
    light = float(random.uniform(0.08, 0.30))  # how much darker the underside is
    shade = 1 - light * np.clip(0.3 - across / body.depth, 0, 1)
    canvas.dim(outline * (1 - shade))
    _eye(canvas, body, head, nod)
    if body.stance == "swim":
        _waterline(canvas, behind, -0.45 * deep, random)


def _stand(canvas: Canvas, body: Body, plumage: Plumage, pose: Pose, scene: Scene, random: np.random.Generator) -> None:
    """Legs, and what the bird stands on or clings to."""
    at, deep, hip, foot_y = pose.at, pose.deep, pose.hip, pose.foot_y
    wood = np.array(scene.wood, dtype=np.float32) * random.uniform(0.7, 1.2)
    if body.stance == "swim":
        return
    if body.stance == "trunk":
        edge = at(0.0, -deep)[0] + 0.42 * body.leg
        bark = canvas.turned((edge, 0.0), float(random.normal(0, 0.06)))[0]
        phase, pitch = random.uniform(0, 6, size=2).tolist()
        ridges = np.sin(canvas.x * 29 + phase + 1.1 * np.sin(canvas.y * (4 + pitch) + phase))
        grooves = 1 + 0.07 * ridges * (1 + np.sin(canvas.y * 19 + 3 * ridges)) - 0.5 * np.clip(bark, 0, 0.8)
        canvas.paint(canvas.cover(np.maximum(-bark, bark - 0.75)), wood[:, None, None] * grooves)
    if body.stance in ("perch", "post"):
        tilt = float(random.normal(0, 0.14)) if body.stance == "perch" else np.pi / 2
        thick = float(random.uniform(0.05, 0.09)) if body.stance == "perch" else float(random.uniform(0.16, 0.3))
        along, across = canvas.turned((hip[0], foot_y - (thick if body.stance == "perch" else 0.0)), tilt)
        branch = np.abs(across) - thick
        if body.stance == "post":
            branch = np.maximum(branch, along)
        lit = np.clip(0.95 + across / (2.2 * thick), 0.45, 1.4)
        canvas.paint(canvas.cover(branch), wood[:, None, None] * lit)
    for shift, step in ((0.09, 0.07), (-0.03, -0.05)):
        hock = (hip[0] + shift, hip[1])
        foot = (hock[0] + step * min(1.0, 3 * body.leg), foot_y)
        if body.stance == "trunk":
            hock, foot = at(-0.1 + shift, -0.8 * deep), (at(0.0, -deep)[0] + 0.45 * body.leg, at(-0.06 + shift, 0.0)[1])
        canvas.paint(canvas.cover(canvas.taper(hock, foot, 0.034, 0.020)), plumage.legs)
        if body.stance == "shore":
            canvas.paint(canvas.cover(canvas.taper(foot, (foot[0] + 0.11, foot[1]), 0.018, 0.014)), plumage.legs)
    if body.stance in ("shore", "wade"):
        gleam = canvas.oval((hip[0] + 0.03, foot_y - 0.03), 0.42, 0.05, 0.0)
        canvas.paint(0.45 * np.clip(0.5 - gleam / 0.08, 0, 1), darker(scene.wood))


def _tail(canvas: Canvas, body: Body, plumage: Plumage, pose: Pose) -> None:
    root, tip = pose.at(-0.36, 0.12 * pose.deep), pose.tail_tip
    fan = canvas.taper(root, tip, 0.35 * body.depth * 0.5, body.tail_spread)
    dx, dy = tip[0] - root[0], tip[1] - root[1]
    length = float(np.hypot(dx, dy))
    along, across = canvas.turned(root, float(np.arctan2(dy, dx)))
    share = canvas.cover(np.maximum(fan, along - length))
    canvas.paint(share, plumage.tail)
    vane = np.clip(1 - np.abs(np.abs(across) - 0.35 * body.tail_spread) * 30, 0, 1)
    canvas.dim(0.22 * share * vane)
    if plumage.tail_band:
        band = np.clip((along - (length - 0.26 * body.tail)) * 22, 0, 1)
        canvas.paint(share * band, plumage.bars)


def _bill(canvas: Canvas, body: Body, plumage: Plumage, pose: Pose) -> None:
    base, tip = pose.bill_base, pose.bill_tip
    middle = (0.4 * base[0] + 0.6 * tip[0], 0.4 * base[1] + 0.6 * tip[1] + 0.45 * body.bill_bend)
    half = 0.5 * body.bill_depth
    blunt = 0.45 if body.stance == "swim" else 0.14
    upper = canvas.taper(base, middle, half, half * (0.62 if blunt < 0.3 else 0.8))
    lower = canvas.taper(middle, tip, half * (0.62 if blunt < 0.3 else 0.8), half * blunt)
    share = canvas.cover(np.minimum(upper, lower))
    canvas.paint(share, plumage.bill)
    gape = np.abs(canvas.turned(base, pose.nod)[1] + 0.1 * half)
    canvas.dim(0.35 * share * np.clip(1 - gape * 40, 0, 1))


def _face(
    canvas: Canvas,
    body: Body,
    plumage: Plumage,
    head: Point,
    nod: float,
    outline: Plane,
    near_head: Plane,
) -> None:
    """Cap, throat and the stripe through the eye."""
    along, across = canvas.turned(head, nod)
    r = body.head
    fade = 0.12 * r
    cap = np.clip(0.5 + (across - 0.32 * r) / fade, 0, 1) * canvas.cover(canvas.disc(head, 1.1 * body.head))
    canvas.paint(outline * cap, plumage.cap)
    throat = canvas.oval(
        (head[0] + 0.35 * body.head, head[1] - 0.85 * body.head), 0.62 * body.head, 0.55 * body.head, 0.4
    )
    canvas.paint(outline * canvas.cover(throat), plumage.throat)
    if plumage.stripe_width:
        level = across - 0.14 * r + 0.10 * np.abs(along)
        band = np.clip(0.5 - (np.abs(level) - plumage.stripe_width * 0.5 * r) / fade, 0, 1)
        canvas.paint(outline * near_head * band, plumage.stripe)


def _collar(canvas: Canvas, body: Body, plumage: Plumage, throat: Point, head: Point, outline: Plane) -> None:
    """A ring round the neck, under the head."""
    dx, dy = throat[0] - head[0], throat[1] - head[1]
    along, across = canvas.turned(head, float(np.arctan2(dy, dx)))
    width = 0.5 * plumage.collar_width * body.head
    ring = np.abs(along - 1.15 * body.head + 1.2 * across * across) - width
    near = np.clip(1.5 - np.abs(across) / max(1.6 * body.head, 0.3 * body.depth), 0, 1)
    canvas.paint(outline * canvas.cover(ring) * near, plumage.collar)


def _speckle(canvas: Canvas, share: Plane, plumage: Plumage) -> None:
    """Dark streaks in rows."""
    rows = np.sin(canvas.y * 52 + canvas.x * 8) * np.sin(canvas.x * 46 - canvas.y * 20)
    streaks = np.clip((rows - 0.15) * 2.5, 0, 1)
    canvas.paint(share * streaks * plumage.speckle, darker(plumage.wing))


def _wing(canvas: Canvas, body: Body, plumage: Plumage, pose: Pose) -> None:
    """The folded wing, its bars and the tips of its long feathers."""
    at, deep, slope = pose.at, pose.deep, pose.turn - 0.10
    middle = at(-0.10, 0.22 * deep)
    fore = canvas.oval(middle, 0.37, 0.60 * deep, slope)
    shoulder, tip = at(0.02, 0.2 * deep), at(-0.62 - 0.25 * body.tail, 0.02)
    long = canvas.taper(shoulder, tip, 0.5 * deep, 0.025)
    share = canvas.cover(blend(fore, long, 0.04))
    edge = canvas.cover(np.abs(blend(fore, long, 0.04)) - 0.012)
    canvas.paint(share, plumage.wing)
    along, across = canvas.turned(middle, slope)
    feathers = 0.5 + 0.5 * np.sin(across * (34 / max(body.depth, 0.3) * 0.56) + along * 5)
    canvas.dim(0.16 * share * feathers * np.clip(0.55 - along * 2, 0, 1))
    for bar in range(plumage.bar_count):
        line = along - (0.10 - 0.17 * bar) + 0.5 * across
        stripe = np.clip(1.6 - np.abs(line) * 48, 0, 1)
        canvas.paint(share * stripe, plumage.bars)
    canvas.dim(0.28 * edge * np.clip(0.4 - across * 6, 0, 1))


def _eye(canvas: Canvas, body: Body, head: Point, nod: float) -> None:
    radius = max(0.19 * body.head, 0.026)
    eye = (head[0] + 0.36 * body.head, head[1] + (0.16 + 0.36 * nod) * body.head)
    canvas.paint(0.6 * canvas.cover(canvas.disc(eye, 1.45 * radius)), (0.75, 0.70, 0.60))
    canvas.paint(canvas.cover(canvas.disc(eye, radius)), (0.03, 0.03, 0.04))
    glint = (eye[0] - 0.25 * radius, eye[1] + 0.4 * radius)
    canvas.paint(0.9 * canvas.cover(canvas.disc(glint, 0.32 * radius)), (1.0, 1.0, 1.0))


def _waterline(canvas: Canvas, behind: Plane, level: float, random: np.random.Generator) -> None:
    """Put the water back in front of a swimming bird, with its dim reflection and a ripple."""
    phase = float(random.uniform(0, 6))
    depth = level + 0.015 * np.sin(canvas.x * 17 + phase) - canvas.y
    under = canvas.cover(-depth)
    canvas.paint(under * np.clip(0.80 + depth, 0, 1), behind)
    ripple = np.clip(1 - np.abs(depth) * 28, 0, 1) * np.clip(1.2 - np.abs(canvas.x) * 1.4, 0, 1)
    canvas.paint(0.35 * ripple, (0.85, 0.90, 0.94))
