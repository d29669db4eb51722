"""A participant's kitchen: colours, and the counter on which everything happens."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from egomm.testing.canvas import Colour, View, darker, hsv_colour, paste
from egomm.testing.motion import STATION_UNITS, STATIONS, station
from egomm.testing.plan import Video
from egomm.testing.spec import KitchenSpec

MARGIN_UNITS = 14  # the drawn kitchen reaches this far above and below the frame


@dataclass(frozen=True)
class Look:
    """Colours of one participant.

    Attributes:
        skin: Colour of the hands.
        sleeve: Colour of the sleeves.
        counter: Colour of the counter.
        wall: Colour of the tiles.
        front: Colour of the cupboards below.
        hue: Departure of object colours from the usual ones, per noun and colour, degrees.
        value: The same for brightness, a factor.
        tools: Two colours of the tools.
    """

    skin: Colour
    sleeve: Colour
    counter: Colour
    wall: Colour
    front: Colour
    hue: np.ndarray
    value: np.ndarray
    tools: tuple[Colour, Colour]


def participant_look(spec: KitchenSpec, participant: int) -> Look:
    """Own kitchen, palette and hands of a participant."""
    rng = np.random.default_rng([spec.seed, 3, participant])

    def colour(low: tuple[float, float, float], high: tuple[float, float, float]) -> Colour:
        return hsv_colour(*rng.uniform(low, high))

    tool_hue = 300 + spec.palette * rng.uniform(-60, 60)
    return Look(
        skin=colour((14, 0.25, 0.35), (30, 0.55, 0.98)),
        sleeve=colour((0, 0.2, 0.2), (360, 0.7, 0.8)),
        counter=colour((0, 0.0, 0.35), (360, 0.22, 0.72)),
        wall=colour((0, 0.05, 0.5), (360, 0.35, 0.9)),
        front=colour((0, 0.1, 0.25), (360, 0.4, 0.6)),
        hue=spec.palette * rng.uniform(-90, 90, (16, 2)),
        value=np.exp(spec.palette * rng.uniform(-0.5, 0.5, (16, 2))),
        tools=(hsv_colour(tool_hue, 0.8, 0.85), hsv_colour(165, 0.3, 0.95)),
    )


def draw_kitchen(
    spec: KitchenSpec, video: Video, look: Look, noun_sprite: Callable, per_unit: float
) -> np.ndarray:
    """The whole counter of a video: wall tiles, counter, cupboards, things lying about.

    Args:
        spec: The world.
        video: Plan of the video.
        look: Colours of its participant.
        noun_sprite: Maps a noun to its sprite, for clutter.
        per_unit: Pixels of that sprite per unit.

    Returns:
        RGB picture, ``MARGIN_UNITS`` higher than the frame on both sides.
    """
    s = spec.height / 64
    rng = np.random.default_rng([spec.seed, 4, video.participant, video.number])
    stations = min(len(video.segments) + 2, STATIONS)
    width = int(STATION_UNITS * (stations + 1) * s)
    height = int((64 + 2 * MARGIN_UNITS) * s)
    image = np.empty((height, width, 3), np.uint8)

    def row(y: float) -> int:
        return int((y + MARGIN_UNITS) * s)

    grain = cv2.resize(
        rng.normal(0, 1, (height // 2 + 1, width // 12 + 1)),
        (width, height),
        interpolation=cv2.INTER_CUBIC,
    )
    speck = rng.normal(0, 0.5, (height, width))
    image[: row(10)] = look.wall
    image[row(10) : row(58)] = look.counter
    image[row(58) :] = look.front
    shade = 8 * grain + 6 * speck
    shade[: row(10)] = 3 * speck[: row(10)]
    shade += np.linspace(-12, 10, height)[:, None]
    image = np.clip(image + shade[..., None], 0, 255).astype(np.uint8)
    joint = darker(look.wall, 0.75)
    for x in range(0, width, int(18 * s)):
        cv2.line(image, (x, 0), (x, row(10)), joint, 1)
    for y in (-8, 1):
        cv2.line(image, (0, row(y)), (width, row(y)), joint, 1)
    cv2.line(image, (0, row(10)), (width, row(10)), darker(look.counter, 0.5), max(1, int(s)))
    cv2.line(
        image,
        (0, row(57)),
        (width, row(57)),
        darker(look.counter, 0.55),
        max(1, int(2 * s)),
    )
    for k in range(stations):
        _furnish(image, look, station(k), s, row, rng)
        for _ in range(rng.poisson(spec.clutter)):
            sprite = noun_sprite(int(rng.integers(spec.nouns)))
            side = rng.choice([-1.0, 1.0])
            point = (station(k) + side * rng.uniform(30, 46), rng.uniform(18, 48))
            view: View = (s, 0.0, 0.0, 0.0, s, MARGIN_UNITS * s)
            paste(image, sprite, per_unit, view, point, rng.uniform(-3, 3), 0.7, 0.7)
    return image


def _furnish(
    image: np.ndarray,
    look: Look,
    x: float,
    s: float,
    row: Callable[[float], int],
    rng: np.random.Generator,
) -> None:
    """One place of the counter: hob, sink or board, and jars at the wall."""
    kind = rng.integers(4)
    left = int((x + rng.uniform(-40, -5)) * s)
    dark = darker(look.counter, 0.7)
    if kind == 0:
        for k in range(2):
            cv2.ellipse(
                image,
                (left + int(34 * k * s), row(22 + 14 * k)),
                (int(11 * s), int(7 * s)),
                0,
                0,
                360,
                dark,
                max(1, int(1.5 * s)),
            )
    elif kind == 1:
        cv2.rectangle(image, (left, row(17)), (left + int(46 * s), row(46)), dark, -1)
        cv2.rectangle(
            image,
            (left, row(17)),
            (left + int(46 * s), row(46)),
            (205, 208, 212),
            max(1, int(s)),
        )
    elif kind == 2:
        wood = hsv_colour(30, 0.4, rng.uniform(0.5, 0.75))
        cv2.rectangle(image, (left, row(16)), (left + int(42 * s), row(50)), wood, -1)
        for y in range(20, 50, 6):
            cv2.line(
                image,
                (left, row(y)),
                (left + int(42 * s), row(y)),
                darker(wood, 0.88),
                1,
            )
    for _ in range(rng.integers(1, 4)):
        jar = hsv_colour(*rng.uniform((0, 0.1, 0.3), (360, 0.6, 0.9)))
        at, wide, top = rng.uniform(-52, 52), rng.uniform(4, 9), rng.uniform(-9, 4)
        cv2.rectangle(
            image, (int((x + at) * s), row(top)), (int((x + at + wide) * s), row(12)), jar, -1
        )
        cv2.rectangle(
            image,
            (int((x + at) * s), row(top)),
            (int((x + at + wide) * s), row(top + 2)),
            darker(jar),
            -1,
        )
