"""How one bird holds itself: where the parts of its body are."""

import numpy as np

from birdsat.virtual.birds import Body
from birdsat.virtual.canvas import Point


class Pose:
    """Where the parts of one bird are, in body lengths from its middle; it faces right."""

    def __init__(self, body: Body, random: np.random.Generator) -> None:
        self.turn = float(np.radians(body.upright + random.normal(0, 5)))
        self.deep = deep = 0.5 * body.depth
        self.nod = float(random.normal(0, 0.16))  # of the bill, radians upwards
        self.swing = float(random.normal(0, 0.12))  # of the tail
        self.shoulder = self.at(0.30, 0.45 * deep)
        long_necked = body.neck > 0.15
        rise = max(self.turn, float(np.radians(70))) if long_necked else self.turn + 0.5
        bend = float(random.uniform(0.1, 0.6)) if body.neck > 0.4 else 0.0
        reach = body.neck * float(random.uniform(0.75, 1.0)) + 0.55 * body.head
        self.throat = _along(self.shoulder, rise + bend, 0.5 * reach)
        head = _along(self.throat, rise - bend, 0.5 * reach)
        self.head = (head[0] + 0.08 * float(np.cos(self.turn)), head[1] + 0.08 * float(np.sin(self.turn)))
        self.tail_tip = self.at(-0.42 - body.tail, 0.12 * deep + body.tail * (self.swing - 0.05))
        self.bill_base = _along((self.head[0], self.head[1] - 0.08 * body.head), self.nod, 0.75 * body.head)
        bill_tip = _along(self.bill_base, self.nod, body.bill + 0.25 * body.head)
        self.bill_tip = (bill_tip[0], bill_tip[1] - body.bill_bend)
        self.hip = self.at(-0.06, -0.75 * deep)
        self.foot_y = self.hip[1] - body.leg - 0.12 * deep

    def at(self, along: float, up: float) -> Point:
        """A point of the body: along its axis towards the head, and up towards its back."""
        cos, sin = float(np.cos(self.turn)), float(np.sin(self.turn))
        return along * cos - up * sin, along * sin + up * cos

    def bounds(self, body: Body) -> tuple[float, float, float, float]:
        """Left, bottom, right, top of the whole bird with its feet."""
        left = min(self.tail_tip[0], self.at(-0.5, 0)[0])
        right = max(self.bill_tip[0], self.at(0.5, 0)[0])
        bottom = -1.3 * self.deep if body.stance == "swim" else min(self.foot_y, self.tail_tip[1])
        return left, bottom, right, self.head[1] + body.head


def _along(start: Point, turn: float, length: float) -> Point:
    return start[0] + length * float(np.cos(turn)), start[1] + length * float(np.sin(turn))
