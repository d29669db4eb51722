"""Long videos of the toy kitchen: when which moment happens, and where in it one can see it.

A moment is a verb with a noun, from about a second to about a minute long. It is made of handlings
of about a second, as the clips of the kitchen are; each handling shows the moment's class, or
nothing, or near the ends the class of the moment before or after. How often it shows the class
depends on where in the moment it lies: that is the core of the class. Seconds count from the start
of the video unless a name says otherwise.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from egomm.testing.plan import Segment, Video, choose_pairs
from egomm.testing.spec import KitchenSpec
from egomm.testing.vocabulary import NOUNS, VERBS

SPLITS = ('train', 'val', 'test')
CORES = ('centre', 'onset', 'flat', 'mixed')
TEMPLATES = ('verb', 'noun', 'when', 'before', 'after', 'next', 'between')  # of questions
CUT_LENGTHS = (0.8, 120.0)
BACKGROUND = 0.4  # share of a clip in which no moment is
OVERLAPPING = 0.2  # share of the moments that start before the one before has ended
LEAD_SECONDS = 4.0  # of a video before and after its clip
SLOT_SECONDS = 1.1  # of a handling with the pause around it
PAUSE_SECONDS = 0.1  # at each end of a slot
SHORTEST_SLOT = 0.35
SEEN, MISSED = 0.95, 0.1  # how often a handling in the core shows the class, and far from it
TRANSITION = 0.12  # share of a moment, at each end, that may show the neighbour instead
MISLEADING = 0.5  # how often it then does
HANDLED = 0.4  # share of the background in which something else is handled
EVERYTHING = frozenset(
    ('verb/rgb', 'verb/flow', 'verb/audio', 'verb/state', 'noun/rgb', 'noun/audio')
)


@dataclass(frozen=True)
class TimelineSpec:
    """What the long videos are like.

    Attributes:
        seed: Source of all randomness.
        train: Videos to train on.
        val: Videos for choices.
        test: Videos whose labels only ``truth`` has.
        videos_per_participant: A participant belongs to one split.
        verbs: First verbs of the vocabulary that are used.
        nouns: First nouns that are used.
        classes: Pairs of them that occur; each is a class of moments.
        core: Where in a moment its class can be seen: ``'centre'``, ``'onset'``, ``'flat'`` (as
            often all over), or ``'mixed'``, where classes take these in turn.
        boundary_noise: By which share of its length each end of a moment is at most off in the
            training annotations; every annotator errs for himself.
        annotators: Of the training videos; the others have one, who does not err.
        minutes: Shortest and longest clip.
        lengths: Seconds that 5 % and 95 % of the moments stay below.
        questions: Which of `TEMPLATES` are asked, see `egomm.testing.questions`.
        fps: Frames per second.
    """

    seed: int = 0
    train: int = 60
    val: int = 20
    test: int = 60
    videos_per_participant: int = 2
    verbs: int = 6
    nouns: int = 4
    classes: int = 12
    core: str = 'centre'
    boundary_noise: float = 0.0
    annotators: int = 2
    minutes: tuple[float, float] = (3.0, 6.0)
    lengths: tuple[float, float] = (1.0, 60.0)
    questions: tuple[str, ...] = TEMPLATES
    fps: int = 10

    def __post_init__(self) -> None:
        """Refuses what cannot be planned.

        Raises:
            ValueError: If a knob is outside its range.
        """
        checks = {
            'core': (self.core in CORES, f'one of {CORES}'),
            'boundary_noise': (0 <= self.boundary_noise <= 0.4, 'within 0..0.4'),
            'fps': (self.fps >= 5, 'at least 5, or handlings are missed'),
            'minutes': (0 < self.minutes[0] < self.minutes[1], 'shortest below longest'),
            'lengths': (0 < self.lengths[0] < self.lengths[1], 'shortest below longest'),
            'questions': (
                bool(self.questions) and set(self.questions) <= set(TEMPLATES),
                f'some of {TEMPLATES}',
            ),
            **{
                name: (getattr(self, name) >= 1, 'at least 1')
                for name in (*SPLITS, 'videos_per_participant', 'annotators')
            },
        }
        for name, (holds, wanted) in checks.items():
            if not holds:
                raise ValueError(
                    f'TimelineSpec wants {name} to be {wanted}; got {getattr(self, name)!r}.'
                )
        self.kitchen(KitchenSpec())  # refuses verbs, nouns and classes that do not go together

    def kitchen(self, look: KitchenSpec) -> KitchenSpec:
        """The kitchen these videos are drawn in: looks like another one, with the words of this."""
        return dataclasses.replace(
            look,
            seed=self.seed,
            verbs=self.verbs,
            nouns=self.nouns,
            train_pairs=self.classes,
            test_only_pairs=0,
        )


class Core(NamedTuple):
    """Where in the moments of a class its evidence lies.

    Attributes:
        kind: ``'centre'``, ``'onset'`` or ``'flat'``.
        position: Share of the moment that has passed at the peak.
        width: Standard deviation of the bell around it, as a share of the moment.
    """

    kind: str
    position: float
    width: float

    def visibility(self, first: float, last: float) -> float:
        """How often a handling shows the class that lasts from one share of the moment to another.

        It counts where it comes closest to the peak. A flat core shows as much over a long moment
        as a bell of the same width.
        """
        if self.kind == 'flat':
            bell = math.sqrt(2 * math.pi) * self.width
        else:
            off = self.position - min(max(self.position, first), last)
            bell = math.exp(-0.5 * (off / self.width) ** 2)
        return MISSED + (SEEN - MISSED) * bell


class Moment(NamedTuple):
    """One labelled stretch of a video.

    Attributes:
        start: Second of the video.
        stop: Second of the video.
        label: Number of the class.
    """

    start: float
    stop: float
    label: int


@dataclass(frozen=True)
class Timeline:
    """One long video with one clip.

    Attributes:
        split: ``'train'``, ``'val'`` or ``'test'``.
        video: What is drawn: its segments are the handlings.
        clip: First and last second of the clip in the video.
        moments: In order of their starts.
        owners: Moment of each handling, -1 in the background.
    """

    split: str
    video: Video
    clip: tuple[float, float]
    moments: tuple[Moment, ...]
    owners: tuple[int, ...]

    @property
    def video_id(self) -> str:
        """Name of the video."""
        return self.video.video_id

    @property
    def clip_id(self) -> str:
        """Name of its clip."""
        return f'{self.video_id}_clip'


def class_pairs(spec: TimelineSpec) -> list[tuple[int, int]]:
    """Verb and noun of each class."""
    chosen, _ = choose_pairs(spec.kitchen(KitchenSpec()))
    named = [(int(verb), int(noun)) for verb, noun in np.argwhere(chosen)]
    return sorted(named, key=class_name)


def class_name(pair: tuple[int, int]) -> str:
    """Label of a class as the annotations write it."""
    return f'{VERBS[pair[0]].key}_{NOUNS[pair[1]].key}'


def draw_cores(spec: TimelineSpec) -> list[Core]:
    """The core of each class."""
    rng = np.random.default_rng([spec.seed, 11])
    cores = []
    for number in range(spec.classes):
        kind = CORES[number % 3] if spec.core == 'mixed' else spec.core
        low, high = {'onset': (0.08, 0.2), 'centre': (0.42, 0.58), 'flat': (0.5, 0.5)}[kind]
        cores.append(Core(kind, float(rng.uniform(low, high)), float(rng.uniform(0.12, 0.18))))
    return cores


def plan_timelines(spec: TimelineSpec) -> list[Timeline]:
    """All videos: splits, participants, moments and handlings.

    Moments do not depend on ``core`` or ``boundary_noise``: worlds that differ in them alone can
    be compared video by video.
    """
    pairs, cores = class_pairs(spec), draw_cores(spec)
    timelines: list[Timeline] = []
    participant = 0
    for split in SPLITS:
        count = getattr(spec, split)
        for index in range(count):
            number = index % spec.videos_per_participant
            participant += number == 0
            rng = np.random.default_rng([spec.seed, 12, participant, number])
            moments, clip_seconds = _place_moments(spec, rng)
            timelines.append(
                _timeline(spec, split, participant, number + 1, moments, clip_seconds, pairs, cores)
            )
    return timelines


def _place_moments(spec: TimelineSpec, rng: np.random.Generator) -> tuple[list[Moment], float]:
    """Moments in seconds of the clip, and how long the clip is."""
    low, high = (math.log(value) for value in spec.lengths)
    mean, spread = (low + high) / 2, (high - low) / 2 / 1.6449  # of 5 % and 95 %
    shortest, longest = spec.minutes
    while True:
        wanted = (1 - BACKGROUND) * 60 * rng.uniform(shortest, longest - (longest - shortest) / 6)
        rows: list[tuple[float, float]] = []  # start and length, without gaps
        covered = 0.0
        while covered < wanted:
            length = float(np.clip(np.exp(rng.normal(mean, spread)), *CUT_LENGTHS))
            shared = 0.0
            if rows and rng.uniform() < OVERLAPPING:
                shared = rng.uniform(0.2, 0.6) * min(length, rows[-1][1])
            rows.append((covered - shared, length))
            covered += length - shared
        clip_seconds = covered / (1 - BACKGROUND)
        if 60 * shortest <= clip_seconds <= 60 * longest:
            break
    fresh = [True] + [
        start >= before + length - 1e-9
        for (before, length), (start, _) in zip(rows, rows[1:], strict=False)
    ]
    gaps = rng.dirichlet(np.ones(sum(fresh) + 1)) * BACKGROUND * clip_seconds
    moments, shift, gap = [], 0.0, iter(gaps)
    for (start, length), new in zip(rows, fresh, strict=True):
        if new:
            shift += float(next(gap))
        moments.append(
            Moment(start + shift, start + shift + length, int(rng.integers(spec.classes)))
        )
    return moments, clip_seconds


def _timeline(
    spec: TimelineSpec,
    split: str,
    participant: int,
    number: int,
    placed: list[Moment],
    clip_seconds: float,
    pairs: list[tuple[int, int]],
    cores: list[Core],
) -> Timeline:
    rng = np.random.default_rng([spec.seed, 13, participant, number])
    moments = tuple(
        Moment(start + LEAD_SECONDS, stop + LEAD_SECONDS, label) for start, stop, label in placed
    )
    duration = clip_seconds + 2 * LEAD_SECONDS
    edges = sorted({0.0, duration, *(edge for moment in moments for edge in moment[:2])})
    handlings, owners = [], []
    for begin, end in zip(edges, edges[1:], strict=False):
        slots = max(1, round((end - begin) / SLOT_SECONDS))
        times = np.linspace(begin, end, slots + 1)
        active = [n for n, m in enumerate(moments) if m.start <= begin and m.stop >= end]
        for first, last in zip(times, times[1:], strict=False):
            # One draw per decision, used or not, so that a knob changes only what it names.
            draws = rng.uniform(size=4)
            seed, noun = int(rng.integers(2**31)), int(rng.integers(spec.nouns))
            if last - first < SHORTEST_SLOT or (not active and draws[0] > HANDLED):
                continue
            owner = active[int(draws[0] * len(active))] if active else -1
            if owner < 0:
                verb, shown = -1, frozenset({'noun/rgb'} if draws[1] < 0.5 else ())
            else:
                label = _shown_class(moments, owner, (first, last), cores, draws[1:])
                verb, noun = pairs[moments[owner].label if label is None else label]
                shown = frozenset() if label is None else EVERYTHING
            start, stop = first + PAUSE_SECONDS, last - PAUSE_SECONDS
            handlings.append(
                Segment(start, stop, verb, noun, (verb, noun), shown, '', seed, start, (0, 0))
            )
            owners.append(owner)
    video = Video(
        'validation' if split == 'val' else split,
        participant,
        number,
        spec.fps,
        duration,
        tuple(handlings),
        int(rng.integers(2**31)),
    )
    clip = (LEAD_SECONDS, LEAD_SECONDS + clip_seconds)
    return Timeline(split, video, clip, moments, tuple(owners))


def _shown_class(
    moments: tuple[Moment, ...],
    owner: int,
    slot: tuple[float, float],
    cores: list[Core],
    draws: np.ndarray,
) -> int | None:
    """Class that a handling of a moment shows, or None."""
    moment = moments[owner]
    length = moment.stop - moment.start
    first, last = ((second - moment.start) / length for second in slot)
    if draws[0] < cores[moment.label].visibility(first, last):
        return moment.label
    middle = (first + last) / 2
    neighbour = owner - 1 if middle < TRANSITION else owner + 1
    near_end = not TRANSITION <= middle <= 1 - TRANSITION
    if near_end and 0 <= neighbour < len(moments) and draws[1] < MISLEADING:
        return moments[neighbour].label
    return None
