"""The toy kitchen once more, in the layout of EPIC-KITCHENS-55, with tracks of the hands."""

import csv
import json
from pathlib import Path

import numpy as np

from egomm.datasets.hands import SIDES, write_hands

COLUMNS = (
    'uid',
    'participant_id',
    'video_id',
    'narration',
    'start_timestamp',
    'stop_timestamp',
    'start_frame',
    'stop_frame',
    'verb',
    'verb_class',
    'noun',
    'noun_class',
    'all_nouns',
    'all_noun_classes',
)
FILE = 'EPIC_train_action_labels.csv'
VALIDATION = ('P30', 'P31')  # whom published work validates on


def write_epic55(kitchen: Path, out: Path) -> None:
    """Write the labelled videos of a toy kitchen in the layout of EPIC-KITCHENS-55.

    All labels are in one file; the kitchen's validation split goes to participants P30 and P31,
    its training split to others. Images are links into the kitchen.
    ``hand_tracks/<video>.npz`` has the palms of both hands.

    Args:
        kitchen: A complete toy kitchen, as `make_toy_kitchen` leaves it.
        out: Folder to write into; what is there of the same name is written again.
    """
    spec = json.loads((kitchen / 'toy_kitchen.json').read_text(encoding='utf-8'))['spec']
    names: dict[str, tuple[str, str]] = {}
    people: dict[str, str] = {}
    numbered = []
    for split in ('train', 'validation'):
        with (kitchen / f'annotations/EPIC_100_{split}.csv').open(encoding='utf-8') as file:
            rows = list(csv.DictReader(file))
        if split == 'validation':
            free = list(VALIDATION)
        else:
            free = [name for n in range(1, 100) if (name := f'P{n:02d}') not in VALIDATION]
        first = len(people)
        for row in rows:
            person, video = row['participant_id'], row['video_id']
            new = people.setdefault(person, free[(len(people) - first) % len(free)])
            if video not in names:
                count = sum(other == new for other, _ in names.values())
                names[video] = new, f'{new}_{count + 1:02d}'
                _write_video(kitchen, out, spec, (person, video), names[video])
            ids = dict(zip(('participant_id', 'video_id'), names[video]))
            numbered.append({**row, **ids, 'uid': len(numbered)})
    (out / 'annotations').mkdir(exist_ok=True)
    with (out / 'annotations' / FILE).open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction='ignore', lineterminator='\n')
        writer.writeheader()
        writer.writerows(numbered)


def _write_video(
    kitchen: Path, out: Path, spec: dict, old: tuple[str, str], new: tuple[str, str]
) -> None:
    link = out / new[0] / 'rgb_frames' / new[1]
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to((kitchen / old[0] / 'rgb_frames' / old[1]).resolve())
    truth = json.loads((kitchen / f'truth/videos/{old[1]}.json').read_text(encoding='utf-8'))
    tracks = {
        side: np.column_stack([truth['hands'][side]['xy'], truth['hands'][side]['visible']])
        for side in SIDES
    }
    path = out / 'hand_tracks' / f'{new[1]}.npz'
    write_hands(path, (spec['width'], spec['height']), 1, **tracks)
