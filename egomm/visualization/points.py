"""Pictures of one clip: heat maps with predicted and true points, and saliency tubes.

After Figures 1 and 3 of Kapidis et al., "Multitask Learning to Improve Egocentric Action
Recognition" (2019). A row is one quantity over time, an image a frame; `sheet` puts rows below one
another for paper, `movie` beside one another for film. All images are RGB uint8.

Shapes: T = frames, t = steps of the network's map, H, W = height and width of the frame,
h, w = cells of a heat map, S = height of an image of the row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import matplotlib.colors
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 224  # pixels of an image's height at least; small frames are enlarged
_CAPTION = 22  # pixels
_GAP = 4
_LEGEND = 'cross: predicted, ring: true, and how far apart in pixels of the frame'
_TRUE, _PREDICTED = (0, 158, 115), (213, 94, 0)  # of Okabe and Ito (2008)


@dataclass(frozen=True)
class Row:
    """One quantity over time.

    Args:
        title: What it is.
        images: ``(S, S', 3)`` one a frame, all alike.
        notes: Some words about each image; may be empty.
    """

    title: str
    images: Sequence[np.ndarray]
    notes: Sequence[str]


def frame_row(frames: np.ndarray, title: str = 'frames') -> Row:
    """The clip as it is, ``(T, H, W, 3)``."""
    return Row(title, [np.asarray(_enlarged(frame)) for frame in frames], [''] * len(frames))


def point_row(
    title: str,
    frames: np.ndarray,
    heatmaps: np.ndarray,
    predicted: np.ndarray,
    truth: np.ndarray | None = None,
) -> Row:
    """Heat map, predicted point (cross) and true point (ring) on each frame.

    The map colours what it favours, strongest at its maximum, and leaves the rest of the frame.
    A step of the network is drawn on the first of its frames, which is the one that its points are
    of, and stays until the next step. The notes say how many pixels of the frame lie between the
    points, or that the true one is not visible.

    Args:
        title: Name of the point.
        frames: ``(T, H, W, 3)``.
        heatmaps: ``(t, h, w)``.
        predicted: ``(t, 2)``, x and y, -1 and 1 at the borders of the image.
        truth: ``(t, 3)``, the same and 1 where visible, else 0; None without labels.

    Raises:
        ValueError: If the steps differ in number, or there are more than frames.
    """
    steps = len(heatmaps)
    if not len(frames) >= steps == len(predicted) or truth is not None and len(truth) != steps:
        raise ValueError(
            f'point_row wants a map and a point for each step, no more steps than frames; got '
            f'{len(frames)} frames, {steps} maps, {len(predicted)} predicted and '
            f'{"no" if truth is None else len(truth)} true points.'
        )
    height, width = frames.shape[1:3]
    images, notes = [], []
    for step in range(steps):
        image = _enlarged(frames[-(-step * len(frames) // steps)])
        share = heatmaps[step] / max(heatmaps[step].max(), 1e-12)
        share = np.asarray(_resized(share.astype(np.float32), image.size)).clip(0, 1)
        image = _blend(image, share, 0.6 * share[..., None])
        visible = truth is not None and truth[step, 2] > 0
        if visible:
            _mark(image, predicted[step], truth[step, :2])
            gap = (predicted[step] - truth[step, :2]) * (width, height) / 2
            notes.append(f'{np.hypot(*gap):.1f} px')
        else:
            _mark(image, predicted[step], None)
            notes.append('' if truth is None else 'not visible')
        images.append(np.asarray(image))
    steps_of_frames = [number * steps // len(frames) for number in range(len(frames))]
    return Row(
        title, [images[step] for step in steps_of_frames], [notes[step] for step in steps_of_frames]
    )


def true_point_row(title: str, frames: np.ndarray, points: np.ndarray) -> Row:
    """Rings at the true points that are visible, on each frame.

    Args:
        title: What they are.
        frames: ``(T, H, W, 3)``.
        points: ``(t, L, 3)``: x and y, -1 and 1 at the borders of the image, and 1 where visible. A
            step is shown from the first of its frames on.
    """
    images = []
    for number, frame in enumerate(frames):
        image = _enlarged(frame)
        for point in points[number * len(points) // len(frames)]:
            if point[2] > 0:
                _ring(image, *(point[:2] + 1) / 2 * image.size)
        images.append(np.asarray(image))
    return Row(title, images, [''] * len(images))


def flow_row(title: str, flow: np.ndarray) -> Row:
    """Optical flow: the hue is the direction, the brightness the length.

    Args:
        title: What it is.
        flow: ``(2, T, H, W)``, x and y, 0 where nothing moves; the longest vector is brightest.
    """
    x, y = flow.astype(np.float32)
    length = np.hypot(x, y)
    hue = np.arctan2(y, x) / (2 * np.pi) % 1
    value = length / max(float(length.max()), 1e-6)
    colours = matplotlib.colors.hsv_to_rgb(np.stack([hue, np.ones_like(hue), value], -1))
    return frame_row((255 * colours).round().astype(np.uint8), title)


def grey_row(title: str, maps: np.ndarray) -> Row:
    """Maps ``(T, H, W)``, the smallest value black and the largest white."""
    low, high = float(maps.min()), float(maps.max())
    grey = (255 * (maps - low) / max(high - low, 1e-12)).astype(np.uint8)
    return frame_row(np.repeat(grey[..., None], 3, -1), title)


def saliency_row(title: str, frames: np.ndarray, tube: np.ndarray) -> Row:
    """A saliency tube ``(T, H, W)`` from 0 to 1, half and half with the frames
    ``(T, H, W, 3)``, as published.

    Raises:
        ValueError: If the sizes differ.
    """
    if tube.shape != frames.shape[:3]:
        raise ValueError(
            f'saliency_row wants a tube of the size of the frames; got {tube.shape} and '
            f'{frames.shape[:3]}. Make it with saliency_tube.'
        )
    images = []
    for frame, heat in zip(frames, tube):
        image = _enlarged(frame)
        share = np.asarray(_resized(heat.astype(np.float32), image.size)).clip(0, 1)
        images.append(np.asarray(_blend(image, share, 0.5)))
    return Row(title, images, [''] * len(images))


def sheet(rows: Sequence[Row], columns: int = 8) -> np.ndarray:
    """An image ``(H, W, 3)`` of all rows below one another, with titles.

    Args:
        rows: What to show.
        columns: Images of a row at most.
    """
    blocks = []
    for row in rows:
        count = min(columns, len(row.images))
        places = np.arange(count) * len(row.images) // count
        cells = [row.images[place] for place in places]
        if any(row.notes):
            cells = [_captioned(cell, row.notes[place]) for cell, place in zip(cells, places)]
        strip = np.concatenate([_framed(cell) for cell in cells], axis=1)
        blocks += [_band(row.title, strip.shape[1]), strip]
    width = max(block.shape[1] for block in blocks)
    if any(any(row.notes) for row in rows):
        blocks.append(_band(_LEGEND, width))
    return np.concatenate([_widened(block, width) for block in blocks])


def movie(rows: Sequence[Row]) -> list[np.ndarray]:
    """An image ``(H, W, 3)`` a frame, all rows beside one another; height and width are even."""
    images = []
    for number in range(len(rows[0].images)):
        cells = []
        for row in rows:
            note = row.notes[number]
            text = f'{row.title}: {note}' if note else row.title
            cells.append(_framed(_captioned(row.images[number], text)))
        image = np.concatenate(cells, axis=1)
        images.append(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2])
    return images


def _enlarged(frame: np.ndarray) -> Image.Image:
    scale = max(1.0, SIDE / frame.shape[0])
    size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
    return Image.fromarray(np.ascontiguousarray(frame)).resize(size, Image.Resampling.BICUBIC)


def _resized(values: np.ndarray, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(values).resize(size, Image.Resampling.BILINEAR)


def _blend(image: Image.Image, share: np.ndarray, weight: np.ndarray | float) -> Image.Image:
    """The colours of ``share`` (0..1) laid over the image with a weight of 0..1."""
    colours = matplotlib.colormaps['jet'](share)[..., :3] * 255
    mixed = (1 - weight) * np.asarray(image) + weight * colours
    return Image.fromarray(mixed.round().astype(np.uint8))


def _mark(image: Image.Image, predicted: np.ndarray, true: np.ndarray | None) -> None:
    """A cross and a ring, each with a white rim; a line joins them."""
    draw = ImageDraw.Draw(image)
    size = np.array(image.size)
    reach = size[1] / 28
    x, y = (predicted + 1) / 2 * size
    if true is not None:
        u, v = (true + 1) / 2 * size
        draw.line([(x, y), (u, v)], fill='white', width=2)
        _ring(image, u, v)
    for colour, width in (('white', 6), (_PREDICTED, 3)):
        for sign in (-1, 1):
            ends = [(x - reach, y - sign * reach), (x + reach, y + sign * reach)]
            draw.line(ends, fill=colour, width=width)


def _ring(image: Image.Image, x: float, y: float) -> None:
    draw, reach = ImageDraw.Draw(image), image.size[1] / 28
    for colour, width, radius in (('white', 6, reach + 2), (_TRUE, 3, reach)):
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], None, colour, width)


def _captioned(image: np.ndarray, text: str) -> np.ndarray:
    return np.concatenate([_band(text, image.shape[1], 13), image])


def _band(text: str, width: int, size: int = 15) -> np.ndarray:
    band = Image.new('RGB', (width, _CAPTION), 'white')
    font = ImageFont.load_default(size)
    ImageDraw.Draw(band).text((3, _CAPTION / 2), text, fill='black', font=font, anchor='lm')
    return np.asarray(band)


def _framed(image: np.ndarray) -> np.ndarray:
    return np.pad(image, ((0, _GAP), (0, _GAP), (0, 0)), constant_values=255)


def _widened(image: np.ndarray, width: int) -> np.ndarray:
    return np.pad(image, ((0, 0), (0, width - image.shape[1]), (0, 0)), constant_values=255)
