"""What happens in every video of the toy kitchen, before anything is drawn.

The plan is small and is made in one process, so the number of processes that draw it later
cannot change it. Times are seconds from the start of the video.
"""

from dataclasses import dataclass

import numpy as np

from egomm.testing.spec import MODALITIES, KitchenSpec
from egomm.testing.vocabulary import NOUNS, VERBS

SPLITS = ('train', 'validation', 'test')
MARGIN_SECONDS = 0.3  # background before the first and after the last action


@dataclass(frozen=True)
class Segment:
    """One stretch of handling: a labelled action, or an object handled in the background.

    Attributes:
        start: First second.
        stop: Last second.
        verb: True verb, -1 in the background.
        noun: Noun of the handled object.
        annotated: (verb, noun) as annotated; differs under label noise.
        shown: Evidence that is switched on, as ``'verb/flow'``, ``'noun/rgb'``, ...
        unreliable: Modality that is noise in this clip, or ''.
        seed: Seed of everything drawn at random for this stretch.
        narration: Time of the narrator's words, in seconds.
        words: Indices of the narrator's words for verb and noun.
    """

    start: float
    stop: float
    verb: int
    noun: int
    annotated: tuple[int, int]
    shown: frozenset[str]
    unreliable: str
    seed: int
    narration: float
    words: tuple[int, int]

    @property
    def is_action(self) -> bool:
        """Whether this is a labelled action."""
        return self.verb >= 0


@dataclass(frozen=True)
class Video:
    """One untrimmed video.

    Attributes:
        split: ``'train'``, ``'validation'`` or ``'test'``.
        participant: Number of the participant.
        number: Number of the participant's video, from 1.
        fps: 60 for the EK-55 numbering, 50 for the 2020 numbering.
        duration: Seconds.
        segments: Stretches in order of time.
        seed: Seed of the kitchen noise, camera and light of this video.
    """

    split: str
    participant: int
    number: int
    fps: int
    duration: float
    segments: tuple[Segment, ...]
    seed: int

    @property
    def participant_id(self) -> str:
        """Official form of the participant, ``'P07'``."""
        return f'P{self.participant:02d}'

    @property
    def video_id(self) -> str:
        """``'P07_02'`` at 60 fps (EK-55), ``'P07_102'`` at 50 fps (2020)."""
        offset, digits = (0, 2) if self.fps == 60 else (100, 3)
        return f'{self.participant_id}_{self.number + offset:0{digits}d}'

    @property
    def flow_stride(self) -> int:
        """RGB images per flow image: 2 for EK-55 videos, 1 for 2020 videos."""
        return 2 if self.fps == 60 else 1

    @property
    def frames(self) -> int:
        """Number of RGB images."""
        return int(self.duration * self.fps)

    @property
    def actions(self) -> list[Segment]:
        """Labelled segments."""
        return [s for s in self.segments if s.is_action]


def choose_pairs(spec: KitchenSpec) -> tuple[np.ndarray, np.ndarray]:
    """Draws the verb-noun pairs that occur, with even rows and columns.

    Returns:
        Two boolean tables ``(verbs, nouns)``: pairs of training and validation, and pairs of
        the test split only. Every class occurs in the first.
    """
    rng = np.random.default_rng([spec.seed, 1])
    taken = np.zeros((spec.verbs, spec.nouns), bool)
    train = taken
    for count in range(spec.train_pairs + spec.test_only_pairs):
        if count == spec.train_pairs:
            train = taken.copy()
        load = taken.sum(1)[:, None] / spec.nouns + taken.sum(0)[None] / spec.verbs
        load = load + rng.uniform(0, 0.01, load.shape) + 10.0 * taken
        taken[np.unravel_index(load.argmin(), load.shape)] = True
    if not spec.test_only_pairs:
        train = taken
    return train, taken & ~train


def pair_probabilities(allowed: np.ndarray, verbs: np.ndarray, nouns: np.ndarray) -> np.ndarray:
    """Joint distribution on the allowed pairs closest to two marginals.

    Iterative proportional fitting; ends with exact verb marginals.

    Args:
        allowed: Boolean table ``(V, N)``.
        verbs: Wanted verb weights ``(V,)``.
        nouns: Wanted noun weights ``(N,)``.

    Returns:
        Probabilities ``(V, N)``, 0 where not allowed.
    """
    joint = allowed.astype(float)
    for _ in range(100):
        joint *= (nouns / nouns.sum() / np.maximum(joint.sum(0), 1e-12))[None]
        joint *= (verbs / verbs.sum() / np.maximum(joint.sum(1), 1e-12))[:, None]
    return joint / joint.sum()


def draw_pairs(probabilities: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Systematic sample: every pair within one of its expected count, in random order.

    Returns:
        Verb and noun of each draw, ``(count, 2)``.
    """
    steps = (rng.uniform() + np.arange(count)) / count
    flat = np.searchsorted(np.cumsum(probabilities.ravel()), steps)
    flat = rng.permutation(np.minimum(flat, probabilities.size - 1))
    return np.stack(np.unravel_index(flat, probabilities.shape), axis=1)


def plan_world(spec: KitchenSpec) -> list[Video]:
    """All videos of a world: splits, participants, labels, times and evidence.

    Returns:
        Videos in order of split and participant. No participant is in two splits.
    """
    train_pairs, test_only = choose_pairs(spec)
    videos: list[Video] = []
    participant = 0
    for split in SPLITS:
        remaining = getattr(spec, f'{split}_videos')
        allowed = train_pairs | test_only if split == 'test' else train_pairs
        while remaining:
            participant += 1
            own = min(remaining, spec.videos_per_participant)
            remaining -= own
            videos += _plan_participant(spec, split, participant, own, allowed)
    return videos


def _plan_participant(
    spec: KitchenSpec, split: str, participant: int, videos: int, allowed: np.ndarray
) -> list[Video]:
    rng = np.random.default_rng([spec.seed, 2, participant])
    weights = [
        np.arange(1, n + 1, dtype=float) ** -spec.zipf
        * np.exp(spec.participant_prior * rng.normal(size=n))
        for n in (spec.verbs, spec.nouns)
    ]
    pairs = draw_pairs(pair_probabilities(allowed, *weights), videos * spec.clips_per_video, rng)
    possible = np.argwhere(allowed)
    planned = []
    for index in range(videos):
        own = pairs[index * spec.clips_per_video : (index + 1) * spec.clips_per_video]
        segments, duration = [], MARGIN_SECONDS
        for verb, noun in own:
            if rng.uniform() < spec.handled_between:
                stop = duration + rng.uniform(0.4, 0.7)
                segments.append(_background(spec, duration, stop, rng))
                duration = stop + rng.uniform(*spec.gap_seconds)
            annotated = int(verb), int(noun)
            if split == 'train' and rng.uniform() < spec.label_noise:
                annotated = _another_pair(possible, annotated, rng)
            stop = duration + rng.uniform(*spec.clip_seconds)
            segments.append(_action(spec, duration, stop, (int(verb), int(noun)), annotated, rng))
            duration = stop + rng.uniform(*spec.gap_seconds)
        # The very first video is of the EK-55 style, so both occur from two videos on.
        fps = 60 if (participant + index) % 2 else 50
        planned.append(
            Video(
                split,
                participant,
                index + 1,
                fps,
                duration + MARGIN_SECONDS,
                tuple(segments),
                int(rng.integers(2**31)),
            )
        )
    return planned


def _background(spec: KitchenSpec, start: float, stop: float, rng: np.random.Generator) -> Segment:
    return Segment(
        start,
        stop,
        -1,
        int(rng.integers(spec.nouns)),
        (-1, -1),
        frozenset({'noun/rgb'}),
        '',
        int(rng.integers(2**31)),
        start,
        (0, 0),
    )


def _another_pair(
    possible: np.ndarray, pair: tuple[int, int], rng: np.random.Generator
) -> tuple[int, int]:
    others = possible[(possible != np.array(pair)).any(axis=1)]
    verb, noun = others[rng.integers(len(others))]
    return int(verb), int(noun)


def _action(
    spec: KitchenSpec,
    start: float,
    stop: float,
    pair: tuple[int, int],
    annotated: tuple[int, int],
    rng: np.random.Generator,
) -> Segment:
    signals = {
        f'{task}/{channel}': level
        for task in ('verb', 'noun')
        for channel, level in spec.signal(task).items()
    }
    unreliable = ''
    # One draw per decision, used or not, so that a knob changes only what it names.
    broken, task, draws = rng.uniform(), rng.integers(2), rng.uniform(size=len(signals))
    if broken < spec.unreliable:
        levels = spec.signal(('verb', 'noun')[task])
        levels['rgb'] = max(levels['rgb'], levels.pop('state', 0.0))
        unreliable = max(MODALITIES, key=lambda m: levels[m])
    if rng.spawn(1)[0].uniform() < spec.complementary:  # a stream of its own, as said above
        draws = _taking_turns(list(signals), list(signals.values()), draws)
    shown = {
        name for (name, level), draw in zip(signals.items(), draws, strict=True) if draw < level
    }
    if unreliable:
        off = {'rgb', 'state'} if unreliable == 'rgb' else {unreliable}
        shown = {name for name in shown if name.split('/')[1] not in off}
    words = (
        int(rng.integers(len(VERBS[annotated[0]].instances))),
        int(rng.integers(len(NOUNS[annotated[1]].instances))),
    )
    narration = max(0.0, start + rng.normal(0, 0.1))
    return Segment(
        start,
        stop,
        *pair,
        annotated,
        frozenset(shown),
        unreliable,
        int(rng.integers(2**31)),
        narration,
        words,
    )


def _taking_turns(names: list[str], levels: list[float], draws: np.ndarray) -> np.ndarray:
    """Draws, one for each signal, that let the channels of a task show it one after the other.

    Each channel owns an arc of a circle, as long as its level and where the previous one ends;
    one point of the circle is drawn a task. A channel is shown as often as before.
    """
    turns = np.empty(len(names))
    point, edge, task = 0.0, 0.0, ''
    for index, (name, level) in enumerate(zip(names, levels, strict=True)):
        if name.split('/')[0] != task:
            task, point, edge = name.split('/')[0], float(draws[index]), 0.0
        turns[index] = (point - edge) % 1.0
        edge += level
    return turns
