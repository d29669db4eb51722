"""Pictures of objects, tools, hands and state changes, drawn once per participant.

Everything is drawn four times too large on a canvas of 40 x 40 units (hands: 48 x 104) and
reduced, so edges are smooth. Sprites are RGBA with premultiplied colour.
"""

import numpy as np

from egomm.testing.canvas import OVERSAMPLE, Colour, Pen, darker

OBJECT_UNITS = 40
HAND_UNITS = (48, 104)
PALM = (24.0, 28.0)  # centre of the palm on the hand's canvas, in units

# Usual main and second colour of each noun as (hue of 360, saturation, value).
NOUN_COLOURS = (
    ((210, 0.10, 0.95), (220, 0.75, 0.75)),  # plate
    ((0, 0.05, 0.22), (20, 0.10, 0.45)),  # pan
    ((190, 0.65, 0.75), (190, 0.25, 0.95)),  # bowl
    ((350, 0.70, 0.80), (0, 0.05, 0.97)),  # cup
    ((125, 0.75, 0.50), (50, 0.60, 0.95)),  # bottle
    ((30, 0.55, 0.62), (28, 0.70, 0.38)),  # spoon
    ((210, 0.06, 0.85), (0, 0.10, 0.15)),  # knife
    ((24, 0.95, 0.98), (115, 0.80, 0.60)),  # carrot
    ((4, 0.90, 0.85), (120, 0.75, 0.40)),  # tomato
    ((56, 0.90, 0.98), (75, 0.80, 0.70)),  # lemon
    ((32, 0.60, 0.75), (38, 0.30, 0.98)),  # bread
    ((46, 0.75, 1.00), (38, 0.95, 0.72)),  # cheese
    ((0, 0.00, 1.00), (44, 0.95, 1.00)),  # egg
    ((54, 0.75, 0.95), (150, 0.85, 0.50)),  # sponge
    ((275, 0.55, 0.70), (50, 0.20, 1.00)),  # box
    ((205, 0.20, 0.70), (0, 0.00, 0.18)),  # kettle
)


def draw_noun(noun: int, main: Colour, second: Colour) -> np.ndarray:
    """Canvas of one object class: its silhouette and its own markings.

    Args:
        noun: Class, or -1 for the cloth-covered thing that shows no class.
        main: Colour of the body.
        second: Colour of the markings.

    Returns:
        RGBA ``(160, 160, 4)``, not premultiplied.
    """
    pen, edge = Pen(OBJECT_UNITS, OBJECT_UNITS), darker(main)
    if noun < 0:
        pen.polygon([(-13, 9), (-11, -7), (-3, -12), (8, -10), (13, -1), (12, 10), (0, 12)], main)
        for x in (-7, 0, 7):
            pen.line([(x, -8), (x - 2, 1), (x + 1, 9)], edge, 1)
    elif noun == 0:  # plate
        pen.ellipse(0, 0, 16, 16, main)
        pen.ellipse(0, 0, 13.5, 13.5, second, width=1.6)
        pen.ellipse(0, 0, 9, 9, edge, width=0.8)
    elif noun == 1:  # pan
        pen.line([(6, -6), (18, -18)], second, 4)
        pen.ellipse(-3, 3, 14, 14, edge)
        pen.ellipse(-3, 3, 14, 14, second, width=1.8)
        pen.ellipse(-3, 3, 8, 8, main)
    elif noun == 2:  # bowl
        pen.ellipse(0, -3, 17, 16, main, arc=(0, 180))
        pen.ellipse(0, -3, 17, 5, darker(main, 0.45))
        pen.ellipse(0, -3, 17, 5, second, width=1.4)
        pen.line([(-12, 6), (-6, 9), (0, 6), (6, 9), (12, 6)], second, 1.6)
    elif noun == 3:  # cup
        pen.ellipse(10, 1, 7, 7, edge, width=3)
        pen.box(-11, -12, 9, 13, main)
        for y in (-6, 0, 6):
            pen.box(-11, y, 9, y + 2.5, second)
        pen.ellipse(-1, -12, 10, 3, darker(main, 0.4))
    elif noun == 4:  # bottle
        pen.box(-7, -6, 7, 18, main)
        pen.polygon([(-7, -6), (-2.5, -12), (2.5, -12), (7, -6)], main)
        pen.box(-2.5, -19, 2.5, -11, edge)
        pen.box(-7, 1, 7, 11, second)
        pen.line([(-4, 4), (4, 4)], edge, 1)
        pen.line([(-4, 8), (4, 8)], edge, 1)
    elif noun == 5:  # spoon
        pen.line([(-16, 14), (5, -5)], main, 3)
        pen.ellipse(9, -9, 9, 6.5, main, angle=-45)
        pen.ellipse(9, -9, 6, 4, second, angle=-45)
    elif noun == 6:  # knife
        pen.polygon([(-2, 1), (16, -17), (18, -10), (4, 6)], main)
        pen.line([(3, 1), (15, -11)], edge, 0.8)
        pen.line([(-15, 17), (0, 3)], second, 5)
    elif noun == 7:  # carrot
        for tip in ((-17, -8), (-18, -15), (-10, -18)):
            pen.line([(-10, -10), tip], second, 2.4)
        pen.polygon([(-13, -5), (-5, -13), (18, 17)], main)
        for k in range(4):
            pen.line([(-8 + 5 * k, -2 + 4.5 * k), (-4 + 5 * k, -5 + 4.5 * k)], edge, 1)
    elif noun == 8:  # tomato
        pen.ellipse(0, 1, 15, 14, main)
        pen.ellipse(-6, -4, 3, 2, (255, 235, 230))
        for angle in range(0, 360, 72):
            end = np.deg2rad(angle - 90)
            pen.line([(0, -4), (8 * np.cos(end), -4 + 7 * np.sin(end))], second, 2.4)
    elif noun == 9:  # lemon
        pen.polygon([(-19, 0), (-12, -4), (-12, 4)], main)
        pen.polygon([(19, 0), (12, -4), (12, 4)], main)
        pen.ellipse(0, 0, 15, 10, main)
        for x, y in ((-8, -3), (-3, 3), (2, -5), (6, 2), (-7, 5), (10, -2)):
            pen.ellipse(x, y, 1.1, 1.1, second)
    elif noun == 10:  # bread
        pen.box(-17, -3, 17, 11, main)
        pen.ellipse(0, -3, 17, 9, main)
        for x in (-10, -2, 6):
            pen.line([(x - 2, -8), (x + 4, 2)], second, 2.2)
    elif noun == 11:  # cheese
        pen.polygon([(-18, 11), (17, -9), (17, 11)], main)
        pen.polygon([(-18, 11), (17, -9), (14, -14)], darker(main, 0.85))
        for x, y, r in ((4, 6, 3), (12, 0, 2.4), (12, 8, 1.8), (-4, 8, 1.6)):
            pen.ellipse(x, y, r, r, second)
    elif noun == 12:  # egg, fried
        pen.polygon(
            [
                (-15, -4),
                (-8, -13),
                (3, -11),
                (13, -13),
                (17, -2),
                (12, 10),
                (2, 14),
                (-10, 12),
                (-17, 5),
            ],
            main,
        )
        pen.ellipse(0, 0, 6.5, 6.5, second)
        pen.ellipse(-2, -2, 1.6, 1.6, (255, 255, 255))
    elif noun == 13:  # sponge
        pen.box(-15, -9, 15, 10, main)
        pen.box(-15, -9, 15, -3, second)
        for x, y in ((-10, 2), (-4, 6), (2, 1), (8, 5), (11, 0), (-7, 8), (5, 8)):
            pen.ellipse(x, y, 1.4, 1.4, edge)
    elif noun == 14:  # box, chequered
        pen.box(-13, -15, 13, 15, main)
        for row in range(4):
            for column in range(4):
                if (row + column) % 2:
                    x, y = -13 + 6.5 * column, -15 + 7.5 * row
                    pen.box(x, y, x + 6.5, y + 7.5, second)
    else:  # kettle
        pen.ellipse(0, -8, 11, 10, second, arc=(180, 360), width=2.6)
        pen.polygon([(-11, 2), (-19, -8), (-15, -9), (-8, -3)], edge)
        pen.polygon([(-9, -7), (9, -7), (14, 14), (-14, 14)], main)
        pen.ellipse(0, -7, 4, 2.5, second)
        pen.box(-13, 8, 13, 11, second)
    return pen.canvas


def draw_tool(verb: int, main: Colour, second: Colour) -> np.ndarray:
    """Canvas of what the other hand brings for a verb: its shape tells the verb, not the noun."""
    pen = Pen(OBJECT_UNITS, OBJECT_UNITS)
    kind, marked = verb % 6, verb // 6
    body, mark = (main, second) if not marked else (second, main)
    if kind == 0:
        pen.polygon([(0, -18), (10, 6), (-10, 6)], body)
        pen.polygon([(0, -8), (4, 2), (-4, 2)], mark)
    elif kind == 1:
        pen.box(-4, -18, 4, 8, body)
        pen.box(-4, -12, 4, -6, mark)
    elif kind == 2:
        pen.ellipse(0, -6, 11, 11, body)
        pen.ellipse(0, -6, 5, 5, mark)
    elif kind == 3:
        pen.box(-13, -14, 13, -7, body)
        pen.box(-4, -10, 4, 8, mark)
    elif kind == 4:
        pen.ellipse(0, -8, 10, 10, body, width=4)
        pen.ellipse(0, -8, 2.5, 2.5, mark)
    else:
        pen.line([(-9, -17), (9, 5)], body, 5)
        pen.line([(9, -17), (-9, 5)], mark, 5)
    return pen.canvas


def draw_state(verb: int) -> np.ndarray:
    """Marks that a verb leaves on ANY object: pattern by ``verb % 6``, white or black by half.

    Returns:
        RGBA canvas to be laid over an object's own pixels.
    """
    pen = Pen(OBJECT_UNITS, OBJECT_UNITS)
    ink = (250, 250, 255) if verb < 6 else (18, 12, 20)
    steps = range(-18, 19, 7)
    kind = verb % 6
    for a in steps:
        if kind == 0:
            pen.box(a, -20, a + 3, 20, ink)
        elif kind == 1:
            pen.box(-20, a, 20, a + 3, ink)
        elif kind == 2:
            pen.line([(a - 20, -20), (a + 20, 20)], ink, 2.4)
        elif kind == 3:
            for b in steps:
                pen.ellipse(a + 1, b + 1, 2.2, 2.2, ink)
    if kind == 4:
        pen.ellipse(0, 0, 8.5, 8.5, ink)
    elif kind == 5:
        pen.box(-20, -20, 0, 20, ink)
    return pen.canvas


def draw_hand(skin: Colour, sleeve: Colour, left: bool) -> np.ndarray:
    """Canvas of a hand seen by its owner: fingers up, arm leaving downward."""
    width, height = HAND_UNITS
    pen = Pen(width, height)
    x0, y0 = PALM[0] - width / 2, PALM[1] - height / 2
    shade = darker(skin, 0.75)
    pen.polygon([(x0 - 5, y0 + 6), (x0 + 5, y0 + 6), (x0 + 9, 52), (x0 - 9, 52)], skin)
    pen.polygon([(x0 - 9, y0 + 26), (x0 + 9, y0 + 26), (x0 + 13, 52), (x0 - 13, 52)], sleeve)
    pen.line([(x0 - 9, y0 + 26), (x0 + 9, y0 + 26)], darker(sleeve), 1.5)
    pen.ellipse(x0, y0 + 2, 7.5, 7.5, skin)
    for k, reach in enumerate((10, 13, 12.5, 9.5)):
        x = x0 - 5.4 + 3.6 * k
        pen.line([(x, y0), (x + 0.6 * (k - 1.5), y0 - reach)], shade, 3.9)
        pen.line([(x, y0), (x + 0.6 * (k - 1.5), y0 - reach)], skin, 3.0)
        pen.ellipse(x + 0.6 * (k - 1.5), y0 - reach, 1.6, 1.6, skin)
    pen.line([(x0 - 5, y0 + 4), (x0 - 12, y0 - 3)], skin, 3.8)
    pen.ellipse(x0 - 12, y0 - 3, 1.9, 1.9, skin)
    canvas = pen.canvas
    return np.ascontiguousarray(canvas[:, ::-1]) if left else canvas


def hold(hand: np.ndarray, tool: np.ndarray) -> np.ndarray:
    """The hand's canvas with a tool behind its fingers."""
    out = np.zeros_like(hand)
    x, y = int((PALM[0] - 21) * OVERSAMPLE), int((PALM[1] - 28) * OVERSAMPLE)
    height, width = min(tool.shape[0], hand.shape[0] - y), min(tool.shape[1], hand.shape[1] - x)
    out[y : y + height, x : x + width] = tool[:height, :width]
    out[hand[..., 3] > 0] = hand[hand[..., 3] > 0]
    return out


def marked(canvas: np.ndarray, state: np.ndarray) -> np.ndarray:
    """The object's canvas with a state's marks on its own pixels."""
    on = (state[..., 3] > 0) & (canvas[..., 3] > 0)
    out = canvas.copy()
    out[on] = state[on]
    return out
