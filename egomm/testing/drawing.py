"""Frames of a video: kitchen, objects, tools and hands put together, one after the other."""

import functools
import math
from collections.abc import Iterator

import cv2
import numpy as np

from egomm.testing import sprites
from egomm.testing.canvas import View, hsv_colour, paste, premultiply
from egomm.testing.kitchen import MARGIN_UNITS, draw_kitchen, participant_look
from egomm.testing.motion import ObjectTrack, Tracks
from egomm.testing.plan import Video
from egomm.testing.spec import KitchenSpec

PALM_ANCHOR = (sprites.PALM[0] / sprites.HAND_UNITS[0], sprites.PALM[1] / sprites.HAND_UNITS[1])
LOWEST_HAND = 84.0  # a palm lower than this shows nothing in the frame


class Artist:
    """Draws the frames of one video.

    Args:
        spec: The world.
        video: Plan of the video.
        tracks: Where everything is.
    """

    def __init__(self, spec: KitchenSpec, video: Video, tracks: Tracks) -> None:
        self.spec, self.video, self.tracks = spec, video, tracks
        self.scale = spec.height / 64
        self.look = participant_look(spec, video.participant)
        self.per_unit = 1.25 * self.scale
        self.right_hand = premultiply(
            sprites.draw_hand(self.look.skin, self.look.sleeve, left=False), self.per_unit
        )
        # Caches of this artist, not of the class: they go when the video is done.
        self.noun = functools.cache(self._noun)
        self.left_hand = functools.cache(self._left_hand)
        self.kitchen = draw_kitchen(spec, video, self.look, self.noun, self.per_unit)
        rng = np.random.default_rng([video.seed, 6])
        noise = rng.normal(0, spec.sensor_noise, (6, spec.height, spec.width, 3)).round()
        self.noise = [
            (np.clip(n, 0, 255).astype(np.uint8), np.clip(-n, 0, 255).astype(np.uint8))
            for n in noise
        ]
        self.noise_order = rng.integers(0, len(self.noise), video.frames)

    def frames(self) -> Iterator[np.ndarray]:
        """RGB frames ``(height, width, 3)`` uint8, in order.

        With flow stride 2, the images that flow skips are the mean of their neighbours: half
        the drawing, and no flow image knows.
        """
        stride, previous = self.video.flow_stride, None
        for index in range(0, self.video.frames, stride):
            frame = self.frame(index)
            if stride == 2 and previous is not None:
                yield cv2.addWeighted(previous, 0.5, frame, 0.5, 0)
            yield frame
            previous = frame
        if stride == 2 and self.video.frames % 2 == 0:
            yield self.frame(self.video.frames - 1)

    def frame(self, index: int) -> np.ndarray:
        """One RGB frame."""
        spec, tracks, s = self.spec, self.tracks, self.scale
        x, y, roll = tracks.camera[index]
        cos, sin = math.cos(roll) * s, math.sin(roll) * s
        # World units -> frame pixels: turn about the frame's centre.
        view = (
            cos,
            -sin,
            spec.width / 2 - cos * x + sin * (y + 32),
            sin,
            cos,
            spec.height / 2 - sin * x - cos * (y + 32),
        )
        place = np.array(
            [
                [cos / s, -sin / s, view[2] + sin * MARGIN_UNITS],
                [sin / s, cos / s, view[5] - cos * MARGIN_UNITS],
            ]
        )
        image = cv2.warpAffine(
            self.kitchen,
            place,
            (spec.width, spec.height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        for track in tracks.objects:
            at = index - track.first
            if 0 <= at < len(track.pose) and abs(track.pose[at, 0] - x) < self._reach:
                self._object(image, view, track, at)
        left, right = tracks.left[index], tracks.right[index]
        if left[1] < LOWEST_HAND:
            holder = tracks.tool[index]
            verb = tracks.objects[holder].segment.verb if holder >= 0 else -1
            paste(
                image,
                self.left_hand(verb),
                self.per_unit,
                view,
                left,
                0.35,
                0.85,
                0.85,
                PALM_ANCHOR,
            )
        if right[1] < LOWEST_HAND:
            paste(
                image, self.right_hand, self.per_unit, view, right, -0.45, 0.85, 0.85, PALM_ANCHOR
            )
        gain = float(tracks.brightness[index])
        image = cv2.convertScaleAbs(image, alpha=gain)
        brighter, darker = self.noise[self.noise_order[index]]
        return cv2.subtract(cv2.add(image, brighter), darker)

    @property
    def _reach(self) -> float:
        return self.spec.width / self.scale / 2 + 24

    def _object(self, image: np.ndarray, view: View, track: ObjectTrack, at: int) -> None:
        segment = track.segment
        noun = segment.noun if 'noun/rgb' in segment.shown else -1
        sprite = self.noun(noun)
        progress = float(track.progress[at])
        if progress > 0:
            after = self.noun(noun, segment.verb)
            sprite = cv2.addWeighted(sprite, 1 - progress, after, progress, 0)
        x, y, angle, wide, high = track.pose[at]
        paste(image, sprite, self.per_unit, view, (x, y), angle, wide, high)

    def _noun(self, noun: int, state: int = -1) -> np.ndarray:
        """An object, as it lies there (-1) or after the change of state by a verb."""
        contrast = self.spec.contrast('rgb')
        if noun < 0:
            canvas = sprites.draw_noun(-1, (168, 164, 158), (140, 136, 130))
        else:
            colours = [
                hsv_colour(h + self.look.hue[noun, k], s, v * self.look.value[noun, k])
                for k, (h, s, v) in enumerate(sprites.NOUN_COLOURS[noun])
            ]
            canvas = sprites.draw_noun(noun, *colours)
            canvas = self._fade(canvas, contrast)
        if state >= 0:
            changed = sprites.marked(canvas, sprites.draw_state(state))
            canvas = cv2.addWeighted(canvas, 1 - contrast, changed, contrast, 0)
        return premultiply(canvas, self.per_unit)

    def _left_hand(self, verb: int) -> np.ndarray:
        """The left hand with the tool of a verb, or empty for -1."""
        canvas = sprites.draw_hand(self.look.skin, self.look.sleeve, left=True)
        if verb >= 0:
            tool = sprites.draw_tool(verb, *self.look.tools)
            canvas = sprites.hold(canvas, self._fade(tool, self.spec.contrast('rgb')))
        return premultiply(canvas, self.per_unit)

    @staticmethod
    def _fade(canvas: np.ndarray, contrast: float) -> np.ndarray:
        """Pulls all colours of a canvas towards grey; its outline stays."""
        if contrast == 1:
            return canvas
        out = canvas.copy()
        out[..., :3] = np.rint(150 + contrast * (canvas[..., :3].astype(float) - 150))
        out[canvas[..., 3] == 0] = 0
        return out
