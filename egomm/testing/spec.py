"""Knobs of the toy kitchen: one frozen record, two presets."""

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass

from egomm.testing.vocabulary import NOUNS, VERBS

GENERATOR_VERSION = 2  # part of the stamp: raise it whenever the same spec draws other files
MODALITIES = ('rgb', 'flow', 'audio')

Shares = tuple[float, float, float]


@dataclass(frozen=True)
class KitchenSpec:
    """Everything that decides which world is generated.

    Evidence is switched on per clip: the ``signal`` of a task and a modality is the share of
    clips in which that modality shows the class at all; in the others it shows a neutral
    pattern that is the same for all classes. A perfect observer of one modality therefore
    reaches ``signal + (1 - signal) / classes``, one of all of them ``coverage`` in its place.

    Attributes:
        seed: Source of all randomness. Same spec, same pixels and annotations.
        width: Frame width in pixels, even.
        height: Frame height in pixels, even.
        train_videos: Videos with labels for training; every other one has 60 fps (EK-55
            numbering, flow stride 2), the rest 50 fps (2020 numbering, stride 1).
        validation_videos: Videos of the validation split, labelled. The study preset
            searches on them.
        test_videos: Videos with time stamps only; labels are in ``truth/labels.csv``.
        videos_per_participant: A participant belongs to one split.
        clips_per_video: Labelled actions in one video.
        clip_seconds: Shortest and longest action.
        gap_seconds: Shortest and longest background between actions.
        handled_between: Probability that another object is handled in a gap.
        verbs: First verbs of the vocabulary that are used.
        nouns: First nouns that are used.
        train_pairs: Verb-noun pairs that occur in training and validation.
        test_only_pairs: Further pairs, in the test split only.
        zipf: Exponent of the class frequencies, over verbs and over nouns.
        participant_prior: Standard deviation of a participant's own log preference for
            verbs and nouns.
        conflict: 0..1, share of the verb's evidence that moves from motion, sound and the
            other hand's tool to a change of state of the SAME object that shows the noun.
        verb_signal: Signal of the verb in (rgb, flow, audio).
        noun_signal: Signal of the noun in (rgb, flow, audio).
        complementary: 0..1, how often the modalities of a task take turns in showing it, so that
            few clips show nothing, instead of being drawn independently.
        balance: 0..1, pulls the three signals of a task to their mean.
        lag: Per modality, 0..1: evidence is drawn with contrast ``1 - 0.6 * lag`` in as many
            clips as before, so the ceiling stays and learning takes longer.
        unreliable: Share of clips in which the strongest modality of one task is noise.
        label_noise: Share of train clips whose annotated verb and noun are another pair.
        palette: 0..1, how far a participant's colours depart from the noun's usual ones.
        timbre: 0..1, how far a participant's sounds depart from the usual pitch.
        ego_motion: Amplitude of the camera's own motion, 1 = about 2.5 % of the height.
        light: Standard deviation of brightness over clips, in log units.
        clutter: Objects of random classes that lie near each action.
        kitchen_noise: Sound level of the kitchen relative to the actions.
        sensor_noise: Standard deviation of pixel noise, of 255.
        gaze_info: Probability that gaze rests on the target during an action.
        gaze_untracked: Share of frames without gaze.
        flow_bound: Pixels per flow step that map to the end of the 8-bit range.
        jpeg_quality: Quality of RGB and flow JPEGs.
        images: ``'all'``, or ``'actions'`` for a world of a third of the files: RGB in the videos
            alone, flow images of labelled actions alone.
    """

    seed: int = 0
    width: int = 96
    height: int = 64
    train_videos: int = 24
    validation_videos: int = 10
    test_videos: int = 1
    videos_per_participant: int = 2
    clips_per_video: int = 20
    clip_seconds: tuple[float, float] = (0.6, 0.85)
    gap_seconds: tuple[float, float] = (0.15, 0.2)
    handled_between: float = 0.06
    verbs: int = 12
    nouns: int = 16
    train_pairs: int = 80
    test_only_pairs: int = 15
    zipf: float = 0.1
    participant_prior: float = 0.0
    conflict: float = 0.0
    verb_signal: Shares = (0.65, 0.95, 0.8)
    noun_signal: Shares = (0.95, 0.25, 0.55)
    complementary: float = 0.0
    balance: float = 0.0
    lag: Shares = (0.0, 0.0, 0.0)
    unreliable: float = 0.0
    label_noise: float = 0.0
    palette: float = 0.3
    timbre: float = 0.3
    ego_motion: float = 0.5
    light: float = 0.12
    clutter: float = 0.3
    kitchen_noise: float = 0.15
    sensor_noise: float = 1.5
    gaze_info: float = 0.9
    gaze_untracked: float = 0.1
    flow_bound: float = 4.0
    jpeg_quality: int = 92
    images: str = 'all'

    def __post_init__(self) -> None:
        """Refuses a spec that cannot be drawn.

        Raises:
            ValueError: If a knob is outside its range.
        """
        for name in (
            'train_videos',
            'validation_videos',
            'test_videos',
            'videos_per_participant',
            'clips_per_video',
        ):
            _demand(getattr(self, name) >= 1, name, 'at least 1', getattr(self, name))
        for name in ('width', 'height'):
            value = getattr(self, name)
            _demand(
                value >= 32 and value % 2 == 0, name, 'an even number of at least 32 pixels', value
            )
        _demand(2 <= self.verbs <= len(VERBS), 'verbs', f'2..{len(VERBS)}', self.verbs)
        _demand(2 <= self.nouns <= len(NOUNS), 'nouns', f'2..{len(NOUNS)}', self.nouns)
        least, most = max(self.verbs, self.nouns), self.verbs * self.nouns
        _demand(
            least <= self.train_pairs <= most,
            'train_pairs',
            f'{least}..{most} so that every class occurs',
            self.train_pairs,
        )
        _demand(
            0 <= self.test_only_pairs <= most - self.train_pairs,
            'test_only_pairs',
            f'0..{most - self.train_pairs}, what train_pairs leaves',
            self.test_only_pairs,
        )
        for name in (
            'conflict',
            'complementary',
            'balance',
            'unreliable',
            'label_noise',
            'palette',
            'timbre',
            'handled_between',
            'gaze_info',
            'gaze_untracked',
        ):
            _demand(0 <= getattr(self, name) <= 1, name, '0..1', getattr(self, name))
        for name in ('verb_signal', 'noun_signal', 'lag'):
            values = getattr(self, name)
            _demand(
                len(values) == 3 and all(0 <= v <= 1 for v in values),
                name,
                'three values 0..1, for rgb, flow, audio',
                values,
            )
        for name in ('clip_seconds', 'gap_seconds'):
            low, high = getattr(self, name)
            _demand(0.1 <= low <= high, name, '(shortest, longest), at least 0.1 s', (low, high))
        for name in (
            'zipf',
            'participant_prior',
            'ego_motion',
            'light',
            'clutter',
            'kitchen_noise',
            'sensor_noise',
        ):
            _demand(getattr(self, name) >= 0, name, 'at least 0', getattr(self, name))
        _demand(self.images in ('all', 'actions'), 'images', "'all' or 'actions'", self.images)
        _demand(self.flow_bound > 0, 'flow_bound', 'more than 0 pixels', self.flow_bound)

    def signal(self, task: str) -> dict[str, float]:
        """Share of clips in which each channel shows the class, after balance and conflict.

        Args:
            task: ``'verb'`` or ``'noun'``.

        Returns:
            Shares for ``'rgb'``, ``'flow'``, ``'audio'`` and, for verbs, ``'state'``: the
            change of the manipulated object itself, seen in RGB.
        """
        shares = self.verb_signal if task == 'verb' else self.noun_signal
        mean = sum(shares) / len(shares)
        levels = {
            m: (1 - self.balance) * share + self.balance * mean
            for m, share in zip(MODALITIES, shares, strict=True)
        }
        if task == 'verb':
            state = self.conflict * self._covered(list(levels.values()))
            levels = {m: (1 - self.conflict) * level for m, level in levels.items()}
            levels['state'] = state
        return levels

    def coverage(self, task: str) -> float:
        """Share of clips in which anything shows the class: what a perfect observer has to go by.

        ``unreliable`` clips are not taken into account.
        """
        return self._covered(list(self.signal(task).values()))

    def _covered(self, levels: list[float]) -> float:
        nothing = math.prod(1 - level for level in levels)
        taking_turns = min(1.0, sum(levels))
        return self.complementary * taking_turns + (1 - self.complementary) * (1 - nothing)

    def contrast(self, modality: str) -> float:
        """Contrast of the evidence of one modality, from its lag."""
        return 1 - 0.6 * self.lag[MODALITIES.index(modality)]

    def with_videos(self, videos: int) -> 'KitchenSpec':
        """The same world with few, short videos, for unit tests.

        Args:
            videos: All videos together, at least 3: one each for validation and test (a
                quarter and a tenth of them in larger worlds), the rest for training.

        Returns:
            A spec with 8 clips per video when there are fewer than 12 videos.

        Raises:
            ValueError: If there are fewer than 3 videos.
        """
        _demand(videos >= 3, 'videos', 'at least 3 (train, validation, test)', videos)
        validation, test = max(1, videos // 4), max(1, videos // 10)
        clips = 8 if videos < 12 else self.clips_per_video
        return dataclasses.replace(
            self,
            train_videos=videos - validation - test,
            validation_videos=validation,
            test_videos=test,
            clips_per_video=clips,
        )

    def to_dict(self) -> dict:
        """All knobs as plain JSON values."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    def digest(self) -> str:
        """Hash of all knobs and of the generator's version."""
        text = json.dumps([GENERATOR_VERSION, self.to_dict()], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _demand(holds: bool, name: str, wanted: str, got: object) -> None:
    if not holds:
        raise ValueError(
            f'The toy kitchen needs {name} to be {wanted}, got {got!r}. '
            'Change that field of KitchenSpec.'
        )


PRESETS = {
    'quick': KitchenSpec(),
    'study': KitchenSpec(
        train_videos=72,
        validation_videos=18,
        test_videos=54,
        videos_per_participant=3,
        clips_per_video=56,
        complementary=0.8,
        clip_seconds=(0.7, 1.2),
        gap_seconds=(0.3, 0.6),
        handled_between=0.3,
        verb_signal=(0.4, 0.65, 0.45),
        noun_signal=(0.65, 0.1, 0.22),
        palette=0.6,
        timbre=0.5,
        participant_prior=0.3,
        ego_motion=1.0,
        light=0.25,
        clutter=1.0,
        kitchen_noise=0.3,
        sensor_noise=4.0,
        images='actions',
    ),
}
