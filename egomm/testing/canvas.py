"""Tools for drawing: colours, a pen for large canvases, sprites laid on an image."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

OVERSAMPLE = 4  # canvas pixels per unit

Colour = tuple[int, int, int]
View = tuple[float, float, float, float, float, float]  # units -> pixels, row by row


def hsv_colour(hue: float, saturation: float, value: float) -> Colour:
    """Hue in degrees, saturation and value 0..1 (clipped) -> RGB 0..255."""
    h = (hue % 360) / 60
    s, v = float(np.clip(saturation, 0, 1)), float(np.clip(value, 0, 1))
    levels = [v - v * s * max(0.0, min((k + h) % 6, 4 - (k + h) % 6, 1.0)) for k in (5, 3, 1)]
    return tuple(int(round(255 * level)) for level in levels)  # type: ignore[return-value]


def darker(colour: Colour, factor: float = 0.65) -> Colour:
    """The same colour with less light."""
    return tuple(int(c * factor) for c in colour)  # type: ignore[return-value]


class Pen:
    """Draws opaque shapes on an RGBA canvas; coordinates in units from the centre."""

    def __init__(self, width: float, height: float) -> None:
        self.origin = np.array([width / 2, height / 2])
        self.canvas = np.zeros((int(height * OVERSAMPLE), int(width * OVERSAMPLE), 4), np.uint8)

    def _at(self, points: object) -> np.ndarray:
        return np.rint((np.asarray(points, float) + self.origin) * OVERSAMPLE).astype(np.int32)

    def ellipse(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: Colour,
        angle: float = 0,
        arc: tuple[float, float] = (0, 360),
        width: float = -1,
    ) -> None:
        """Filled ellipse, or its outline of the given width."""
        thick = -1 if width < 0 else int(width * OVERSAMPLE)
        centre, axes = self._at((x, y)), (int(rx * OVERSAMPLE), int(ry * OVERSAMPLE))
        cv2.ellipse(
            self.canvas, (int(centre[0]), int(centre[1])), axes, angle, *arc, (*colour, 255), thick
        )

    def polygon(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """Filled polygon."""
        cv2.fillPoly(self.canvas, [self._at(points)], (*colour, 255))

    def line(self, points: list[tuple[float, float]], colour: Colour, width: float) -> None:
        """Line through the points."""
        cv2.polylines(
            self.canvas, [self._at(points)], False, (*colour, 255), max(1, int(width * OVERSAMPLE))
        )

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """Filled rectangle."""
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)


def premultiply(canvas: np.ndarray, per_unit: float) -> np.ndarray:
    """Reduces a canvas, black where it is clear, to ``per_unit`` pixels per unit.

    Averaging over opaque and clear (black) pixels is what multiplies colour by alpha.
    """
    size = (
        max(1, round(canvas.shape[1] * per_unit / OVERSAMPLE)),
        max(1, round(canvas.shape[0] * per_unit / OVERSAMPLE)),
    )
    return cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)


def paste(
    image: np.ndarray,
    sprite: np.ndarray,
    per_unit: float,
    view: View,
    point: Sequence[float],
    angle: float,
    wide: float,
    high: float,
    anchor: tuple[float, float] = (0.5, 0.5),
) -> None:
    """Lays a sprite on an image, in place.

    Args:
        image: RGB uint8 ``(H, W, 3)``.
        sprite: Premultiplied RGBA.
        per_unit: Pixels of the sprite per unit.
        view: Map from units to pixels of the image.
        point: Where the sprite's anchor goes, in units.
        angle: Turn in radians.
        wide: Factor on its width.
        high: Factor on its height.
        anchor: Shares of the sprite's width and height.
    """
    height, width = sprite.shape[:2]
    a, b, tx, c, d, ty = view
    cos, sin = math.cos(angle) / per_unit, math.sin(angle) / per_unit
    xx, xy = (a * cos + b * sin) * wide, (b * cos - a * sin) * high
    yx, yy = (c * cos + d * sin) * wide, (d * cos - c * sin) * high
    pivot_x, pivot_y = width * anchor[0] - 0.5, height * anchor[1] - 0.5
    x = a * point[0] + b * point[1] + tx - xx * pivot_x - xy * pivot_y
    y = c * point[0] + d * point[1] + ty - yx * pivot_x - yy * pivot_y
    # The part of the image that the turned sprite can touch.
    x0 = max(0, math.floor(x + min(0, xx * width) + min(0, xy * height)))
    y0 = max(0, math.floor(y + min(0, yx * width) + min(0, yy * height)))
    x1 = min(image.shape[1], math.ceil(x + max(0, xx * width) + max(0, xy * height)) + 1)
    y1 = min(image.shape[0], math.ceil(y + max(0, yx * width) + max(0, yy * height)) + 1)
    if x0 >= x1 or y0 >= y1:
        return
    matrix = np.array([[xx, xy, x - x0], [yx, yy, y - y0]])
    patch = cv2.warpAffine(sprite, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
    clear = cv2.cvtColor(255 - patch[..., 3], cv2.COLOR_GRAY2RGB)
    target = image[y0:y1, x0:x1]
    cv2.add(
        cv2.multiply(target, clear, scale=1 / 255),
        cv2.cvtColor(patch, cv2.COLOR_RGBA2RGB),
        dst=target,
    )
