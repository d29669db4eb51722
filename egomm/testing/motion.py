"""Where camera, objects, hands and gaze are at every frame of a video.

Lengths are in units: the frame is 64 units high whatever its size in pixels. World x runs
along the kitchen counter; y is 0 at the top of the frame, downward. T = frames.
"""

import math
from dataclasses import dataclass

import numpy as np

from egomm.testing.plan import Segment, Video
from egomm.testing.spec import KitchenSpec

STATION_UNITS = 112.0  # distance between two places of action; more than a frame is wide
STATIONS = 200  # along a counter; a longer video goes round (OpenCV draws up to 2^15 pixels)
GRIP = (12.0, 10.0)  # right hand relative to the object's centre
GAZE_LEAD_SECONDS = 0.3


@dataclass
class ObjectTrack:
    """One manipulated object.

    Attributes:
        segment: The stretch in which it is handled.
        first: First frame in which it may be in view.
        pose: x, y, angle in radians, width factor, height factor, ``(F, 5)`` from ``first`` on.
        progress: How far its state has changed, 0..1, ``(F,)``.
    """

    segment: Segment
    first: int
    pose: np.ndarray
    progress: np.ndarray


@dataclass
class Tracks:
    """Everything that moves in one video.

    Attributes:
        camera: x of the frame centre, y of its top, roll in radians, ``(T, 3)``.
        right: Right hand in world units, ``(T, 2)``.
        left: Left hand in world units, ``(T, 2)``.
        tool: Segment index whose tool the left hand holds, or -1, ``(T,)``.
        gaze: Gaze in world units, ``(T, 2)``.
        tracked: Whether gaze is tracked, ``(T,)``.
        brightness: Gain of the light, ``(T,)``.
        objects: One track per segment.
    """

    camera: np.ndarray
    right: np.ndarray
    left: np.ndarray
    tool: np.ndarray
    gaze: np.ndarray
    tracked: np.ndarray
    brightness: np.ndarray
    objects: list[ObjectTrack]

    def to_frame(self, points: np.ndarray, width_units: float) -> np.ndarray:
        """World points ``(T, 2)`` -> frame units ``(T, 2)``, without the small roll."""
        return points - self.camera[:, :2] + np.array([width_units / 2, 0.0])


def smooth_step(x: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, with flat ends."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def displace(
    verb: int, seconds: np.ndarray, length: float, rng: np.random.Generator, amplitude: float
) -> np.ndarray:
    """Motion pattern of a verb, starting from rest at zero.

    Args:
        verb: Class, or -1 for the neutral drift that all verbs share.
        seconds: Seconds since the start of the action, ``(F,)``; may be outside of it.
        length: Length of the action in seconds.
        rng: Source of side, phase and pace.
        amplitude: Factor on all motion.

    Returns:
        x, y in units, angle in radians, log width factor, log height factor, ``(F, 5)``.
    """
    side = rng.choice([-1.0, 1.0])
    phase, pace, heading = rng.uniform(0, 2 * np.pi), rng.uniform(0.88, 1.12), rng.uniform(0, 6.28)
    t = np.clip(seconds, 0, length)
    once = smooth_step((t / length - 0.12) / 0.8)
    envelope = smooth_step((t / length - 0.1) / 0.15)

    def wave(hertz: float, shift: float = 0.0) -> np.ndarray:
        return np.sin(2 * np.pi * hertz * pace * t + phase + shift) * envelope

    out = np.zeros((len(t), 5))
    if verb < 0:
        out[:, 0] = 4 * math.cos(heading) * once + 0.8 * wave(1.1)
        out[:, 1] = 4 * math.sin(heading) * once + 0.8 * wave(0.9, 1.0)
    elif verb == 0:  # take: toward the body
        out[:, 1] = 24 * once
    elif verb == 1:  # put: away from the body
        out[:, 1] = -22 * once
    elif verb == 2:  # wash: small fast circles
        out[:, 0], out[:, 1] = 4.5 * wave(3.2), 4.5 * side * wave(3.2, np.pi / 2)
    elif verb == 3:  # open: lifted toward the eye
        out[:, 3] = out[:, 4] = 0.62 * once
    elif verb == 4:  # close: pushed down, away from the eye
        out[:, 3] = out[:, 4] = -0.72 * once
    elif verb == 5:  # cut: up and down
        out[:, 1] = 6.5 * wave(3.2)
    elif verb == 6:  # stir: slow wide circles
        out[:, 0], out[:, 1] = 9 * wave(1.4), 8 * side * wave(1.4, np.pi / 2)
    elif verb == 7:  # pour: tilts to one side
        out[:, 2] = 1.7 * side * once
    elif verb == 8:  # shake: left and right
        out[:, 0] = 7 * wave(3.4)
    elif verb == 9:  # peel: diagonal strokes
        stroke = 6.0 * wave(2.2)
        out[:, 0], out[:, 1] = side * stroke, stroke
    elif verb == 10:  # turn: twists to and fro
        out[:, 2] = 0.75 * wave(2.6)
    else:  # squeeze: wide and flat, narrow and tall
        out[:, 3] = 0.33 * wave(2.4)
        out[:, 4] = -out[:, 3]
    return out * amplitude


def track_video(spec: KitchenSpec, video: Video) -> Tracks:
    """Paths of camera, objects, hands and gaze of one video."""
    rng = np.random.default_rng([video.seed, 1])
    t = np.arange(video.frames) / video.fps
    camera = _camera(spec, video, t, rng)
    objects, right, left, tool = _handle(spec, video, t, camera)
    gaze = _gaze(spec, video, t, objects, rng)
    tracked = ~_runs(len(t), spec.gaze_untracked, 0.15 * video.fps, rng)
    levels = [
        spec.light * np.random.default_rng([s.seed, 3]).normal() - 0.9 * (s.unreliable == 'rgb')
        for s in video.segments
    ]
    centres = [(s.start + s.stop) / 2 for s in video.segments]
    edges = [edge for s in video.segments for edge in (s.start - 0.05, s.stop + 0.05)]
    log_gain = np.interp(t, edges, np.repeat(levels, 2)) if centres else np.zeros_like(t)
    return Tracks(camera, right, left, tool, gaze, tracked, np.exp(log_gain), objects)


def station(index: int) -> float:
    """World x of the place of the index-th segment."""
    return STATION_UNITS * (index % STATIONS + 1)


def _camera(spec: KitchenSpec, video: Video, t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    times, places = [], []
    for index, segment in enumerate(video.segments):
        times += [segment.start - 0.03, segment.stop + 0.03]
        places += [station(index)] * 2
    x = np.full_like(t, places[0])
    for k in range(1, len(times) - 1, 2):
        span = times[k + 1] - times[k]
        x += (places[k + 1] - places[k]) * smooth_step((t - times[k]) / max(span, 1e-3))
    shake = np.zeros((len(t), 3))
    size = np.array([1.0, 0.8, 0.012]) * spec.ego_motion * 1.6
    for hertz in (0.23, 0.51, 0.93, 1.7):
        phase = rng.uniform(0, 2 * np.pi, 3)
        shake += size / (1 + hertz) * np.sin(2 * np.pi * hertz * t[:, None] + phase)
    for segment in video.segments:
        if segment.unreliable == 'flow':
            own = np.random.default_rng([segment.seed, 4])
            inside = smooth_step((t - segment.start) / 0.1) * smooth_step((segment.stop - t) / 0.1)
            for axis in range(2):
                hertz = own.uniform(2.0, 4.0)
                shake[:, axis] += 4 * inside * np.sin(6.28 * hertz * t + own.uniform(0, 6.28))
    return np.stack([x, np.zeros_like(t), np.zeros_like(t)], axis=1) + shake


def _handle(
    spec: KitchenSpec, video: Video, t: np.ndarray, camera: np.ndarray
) -> tuple[list[ObjectTrack], np.ndarray, np.ndarray, np.ndarray]:
    """Objects and hands. Hands wait below the frame and come in when an action begins."""
    right = np.stack([camera[:, 0] + 22, np.full_like(t, 92.0)], axis=1)
    left = np.stack([camera[:, 0] - 22, np.full_like(t, 92.0)], axis=1)
    tool = np.full(len(t), -1)
    objects = []
    for index, segment in enumerate(video.segments):
        rng = np.random.default_rng([segment.seed, 2])
        home = np.array([station(index) + rng.uniform(-7, 7), 33 + rng.uniform(-4, 4)])
        angle, scale = rng.uniform(-0.35, 0.35), rng.uniform(0.92, 1.1)
        near = (t > segment.start - 1.2) & (t < segment.stop + 1.2)
        first, seconds = int(near.argmax()), t[near] - segment.start
        length = segment.stop - segment.start
        free = rng.uniform(0.75, 1.25)
        heft = 0.75 + 0.5 * segment.noun / max(1, spec.nouns - 1)
        amplitude = heft if 'noun/flow' in segment.shown else free
        shown = 'verb/flow' in segment.shown
        moved = displace(
            segment.verb if shown else -1,
            seconds,
            length,
            rng,
            amplitude * (spec.contrast('flow') if shown else 1.0),
        )
        pose = np.column_stack(
            [home + moved[:, :2], angle + moved[:, 2], scale * np.exp(moved[:, 3:])]
        )
        progress = smooth_step((seconds / length - 0.1) / 0.5)
        if 'verb/state' not in segment.shown:
            progress = np.zeros_like(progress)
        objects.append(ObjectTrack(segment, first, pose, progress))
        held = np.minimum(
            smooth_step(seconds / (0.16 * length)), smooth_step((length - seconds) / 0.12 + 1)
        )[:, None]
        grip = pose[:, :2] + np.array(GRIP) * pose[:, 3:]
        rest = right[near]
        right[near] = np.where(held > 0, rest + held * (grip - rest), rest)
        # The left hand brings the verb's tool, or nothing, or stays away.
        brings = 'verb/rgb' in segment.shown
        if brings or (segment.is_action and rng.uniform() < 0.6):
            beside = home + np.array([-21.0, 9.0]) + rng.uniform(-2, 2, 2)
            sway = 0.8 * np.sin(2 * np.pi * (seconds[:, None] * rng.uniform(0.5, 1, 2)))
            rest = left[near]
            left[near] = np.where(held > 0, rest + held * (beside + sway - rest), rest)
            if brings:
                tool[np.flatnonzero(near)[held[:, 0] > 0]] = index
    return objects, right, left, tool


def _gaze(
    spec: KitchenSpec,
    video: Video,
    t: np.ndarray,
    objects: list[ObjectTrack],
    rng: np.random.Generator,
) -> np.ndarray:
    """World position of gaze: on the object, 0.3 s ahead of the hand, with jitter."""
    times, points = [], []
    for track in objects:
        segment, own = track.segment, np.random.default_rng([track.segment.seed, 5])
        inside = np.arange(track.first, track.first + len(track.pose)) / video.fps
        keep = (inside >= segment.start) & (inside <= segment.stop)
        target = track.pose[keep, :2]
        if own.uniform() >= spec.gaze_info:
            target = target + own.uniform(12, 30, 2) * own.choice([-1, 1], 2)
        times.append(inside[keep])
        points.append(target)
    when, where = np.concatenate(times), np.concatenate(points)
    ahead = t + GAZE_LEAD_SECONDS
    gaze = np.stack([np.interp(ahead, when, where[:, axis]) for axis in range(2)], axis=1)
    jitter = np.repeat(rng.normal(0, 1.0, (len(t) // 8 + 1, 2)), 8, axis=0)[: len(t)]
    return gaze + jitter + rng.normal(0, 0.2, gaze.shape)


def _runs(frames: int, share: float, length: float, rng: np.random.Generator) -> np.ndarray:
    """Boolean series with runs of True that cover about ``share`` of it."""
    out = np.zeros(frames, bool)
    while share > 0 and out.mean() < share:
        start = int(rng.integers(frames))
        out[start : start + max(1, int(rng.exponential(length)))] = True
    return out
