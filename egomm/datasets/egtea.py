"""EGTEA Gaze+: its split files, and clips of an action, a verb and a noun (Li et al., 2018).

A line of ``train_split1.txt`` is a clip with its action, verb and nouns, ids counted from 1::

    P21-R04-ContinentalBreakfast-291175-294945-F006979-F007088 1 1 1

The name holds the session (participant, recipe number, recipe), the annotated milliseconds, and
the frames of the session at 24 per second that the clip file shows: the annotated time and about
a tenth of it on either side. As in published work the whole clip file is the sample.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.dataset.base_dataset import force_full_init

from egomm.datasets.clips import ClipDataset
from egomm.registry import DATASETS

FPS = 24
TASKS = ('action', 'verb', 'noun')
_CLIP = re.compile(r'((O?P\d\d)-R\d\d-[A-Za-z]+)-(\d+)-(\d+)-F(\d{6})-F(\d{6})')
_EXAMPLE = "'P21-R04-ContinentalBreakfast-291175-294945-F006979-F007088 1 1 1'"


@DATASETS.register_module()
class Egtea(ClipDataset):
    """Clips of EGTEA Gaze+.

    Classes count from 0 and are the official ids less one, with none left out: noun 15 (id 16)
    and noun 43 (id 44) never come first in a line and stay. A record's ``narration_id`` is the
    name of the clip, its ``video_id`` the session.

    Path templates may have ``{participant}``, ``{video}`` (the session) and ``{clip}``. A file
    whose template has ``{clip}`` is taken to begin with the clip's first frame, any other with
    the session::

        rgb=[dict(type='video', path='cropped_clips/{video}/{clip}.mp4'),
             dict(type='video', path='videos/{video}.mp4')]
        audio=dict(type='container', path='videos/{video}.mp4')

    Args:
        ann_file: A split file, such as ``train_split1.txt``.
        action_classes: Number of action classes, or ``action_idx.txt``.
        verb_classes: The same for verbs.
        noun_classes: The same for nouns.
        **kwargs: Of `ClipDataset`.

    Raises:
        ValueError: For whatever is wrong with the split file or the sources; the text names the
            place.
    """

    METAINFO = {'dataset': 'EGTEA Gaze+'}
    PLACEHOLDERS = {'participant': 'participant_id', 'video': 'video_id', 'clip': 'narration_id'}

    def __init__(
        self,
        ann_file: str,
        action_classes: int | str = 106,
        verb_classes: int | str = 19,
        noun_classes: int | str = 53,
        **kwargs: Any,
    ) -> None:
        classes = dict(zip(TASKS, (action_classes, verb_classes, noun_classes), strict=True))
        super().__init__(ann_file, classes, **kwargs)

    def read_records(self) -> list[dict]:
        """Records of the clips, see `read_split`."""
        return read_split(self.ann_file, self.num_classes)

    @staticmethod
    def read_class_names(path: str) -> list[str]:
        """Names of ``action_idx.txt`` and its like, see `read_index`."""
        return read_index(path)

    @force_full_init
    def get_data_info(self, idx: int) -> dict:
        """Record of one clip; each source says at which frame and second its file begins."""
        record = super().get_data_info(idx)
        for modality, source in record['sources'].items():
            if source is not None:
                first = record['start_frame'] if source['per_clip'] else 0
                record['sources'][modality] = {
                    **source,
                    'begin_frame': first,
                    'begin_seconds': first / FPS,
                }
        return record


def read_split(path: str | Path, num_classes: Mapping[str, int]) -> list[dict]:
    """Read a split file.

    Args:
        path: ``train_split1.txt`` and its like. Folders before the name of a clip are ignored.
        num_classes: Number of classes by task (``action``, ``verb``, ``noun``).

    Returns:
        One record per line: ``narration_id`` (the clip), ``participant_id``, ``video_id`` (the
        session); ``start_frame``, ``stop_frame`` (frames of the session from 0, both shown) and
        ``start_seconds``, ``stop_seconds`` of the clip file within the session;
        ``action_seconds`` (start, stop) as annotated; ``gt`` (class by task from 0, the first noun
        alone) and ``all_noun_classes``.

    Raises:
        ValueError: If the file is missing or empty, a line has another form or an id outside its
            classes, a clip does not end after its start, or a clip occurs twice.
    """
    records = []
    lines: dict[str, int] = {}
    for line, text in _lines(path, 'the splits are in action_annotation.zip of EGTEA Gaze+'):
        name, *ids = text.split()
        name = re.split(r'[\\/]', name)[-1]
        match = _CLIP.fullmatch(name)
        if match is None or len(ids) < len(TASKS):
            raise ValueError(
                f'{path}, line {line}: a clip with its action, verb and noun is expected, such as '
                f'{_EXAMPLE}; got {text!r}. Correct this line.'
            )
        start, stop, start_frame, stop_frame = map(int, match.groups()[2:])
        if stop <= start or stop_frame <= start_frame:
            raise ValueError(
                f'{path}, line {line}: a clip that ends after its start is expected; got {name!r}. '
                'Correct this line.'
            )
        if name in lines:
            raise ValueError(
                f'{path}, line {line}: clips that occur once are expected, but line {lines[name]} '
                f'has {name!r} too. Remove one of them.'
            )
        lines[name] = line
        # Ids after the third are further nouns.
        tasks = (*TASKS, *['noun'] * (len(ids) - len(TASKS)))
        action, verb, *nouns = (
            _class(path, line, task, text, num_classes[task])
            for task, text in zip(tasks, ids, strict=True)
        )
        records.append(
            {
                'narration_id': name,
                'participant_id': match[2],
                'video_id': match[1],
                'start_seconds': start_frame / FPS,
                'stop_seconds': (stop_frame + 1) / FPS,
                'start_frame': start_frame,
                'stop_frame': stop_frame,
                'action_seconds': (start / 1000, stop / 1000),
                'gt': {'action': action, 'verb': verb, 'noun': nouns[0]},
                'all_noun_classes': nouns,
            }
        )
    return records


def clip_start(name: str) -> tuple[str, int] | None:
    """Session of a clip and its first frame in it; None if the name is not that of a clip."""
    match = _CLIP.fullmatch(name)
    return None if match is None else (match[1], int(match[5]))


def read_index(path: str | Path) -> list[str]:
    """Names of the classes from ``action_idx.txt``, ``verb_idx.txt`` or ``noun_idx.txt``.

    Raises:
        ValueError: If the file is missing or empty, or its ids are not 1, 2, 3, ... in any order.
    """
    names = {}
    for line, text in _lines(path, 'give the number of classes instead'):
        name, _, number = text.strip().rpartition(' ')
        if not name or not number.isdecimal() or int(number) in names:
            raise ValueError(
                f'{path}, line {line}: a name and an id of its own are expected, such as '
                f"'Inspect/Read recipe 1'; got {text!r}. Correct this line."
            )
        names[int(number)] = name.strip()
    if sorted(names) != list(range(1, len(names) + 1)):
        raise ValueError(
            f'{path}: ids from 1 to {len(names)} are expected, one a line; got {sorted(names)}. '
            'Give the whole official file, or the number of classes.'
        )
    return [names[number] for number in sorted(names)]


def _lines(path: str | Path, advice: str) -> list[tuple[int, str]]:
    """Numbered lines that hold something."""
    if not Path(path).is_file():
        raise ValueError(f'{path}: no such file. Correct `data_root` and the name; {advice}.')
    try:
        text = Path(path).read_text(encoding='utf-8')
    except UnicodeDecodeError as error:
        raise ValueError(f'{path}: text in UTF-8 is expected: {error}. Fetch it again.') from error
    lines = [(n, line) for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not lines:
        raise ValueError(f'{path}: the file is empty. Fetch it again.')
    return lines


def _class(path: str | Path, line: int, task: str, text: str, count: int) -> int:
    """Class from 0 of an official id."""
    if not text.isdecimal() or not 1 <= int(text) <= count:
        raise ValueError(
            f'{path}, line {line}: an id of {task} within 1..{count} is expected (see '
            f'`{task}_classes` of the dataset); got {text!r}. Correct this line.'
        )
    return int(text) - 1
