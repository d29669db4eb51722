"""Make a small dataset in the EPIC-KITCHENS-100 layout out of a handful of real files.

    python tools/prepare/real_files.py SRC OUT

SRC holds `epic_frames/rulstm_P01_01_first100.tar` (RGB and flow frames of EPIC-KITCHENS) and
`video/` with a clip of Ego4D (its sound is silent) and test files of mmaction2 and mmcv. OUT gets
frames, flow, videos, class files and `annotations/EPIC_100_train.csv` with 47 short clips. The
labels are made up, and differ inside each file: a model that overfits them has read the files.

What the videos have differs, which exercises the masks:

    P01_01   frames and flow (one flow frame per RGB frame: stride=1), no sound
    P02_101  Ego4D, silent sound        P03_101  mmaction2_test.avi, sound
    P04_101  mmaction2_demo, no sound   P05_101  mmcv_test, sound
"""

import argparse
import csv
import re
import shutil
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from egomm.apis import launch  # noqa: E402
from egomm.functional.time_grid import nominal_fps, official_frame  # noqa: E402

FRAMES = 'epic_frames/rulstm_P01_01_first100.tar'
VIDEOS = {
    'P02_101.MP4': 'video/ego4d_3c0dffd0_012_014.mp4',
    'P03_101.avi': 'video/mmaction2_test.avi',
    'P04_101.MP4': 'video/mmaction2_demo.mp4',
    'P05_101.MP4': 'video/mmcv_test.mp4',
}
# Video, start and stop in seconds, number of equal clips. mmcv_test stands still for its first
# 2.4 s, of which one clip is taken, and is black from 5.8 s on.
STRETCHES = [
    ('P01_01', 0, 1.65, 3),
    ('P02_101', 0, 2.0, 5),
    ('P03_101', 0, 6.44, 14),
    ('P04_101', 0, 9.92, 16),
    ('P05_101', 1.0, 2.0, 1),
    ('P05_101', 2.4, 5.76, 8),
]
GAP_SECONDS = 0.02  # between clips, so that neighbours share no frame
CLASSES = {'verb': 6, 'noun': 8}
COLUMNS = (
    'narration_id participant_id video_id narration_timestamp start_timestamp '
    'stop_timestamp start_frame stop_frame narration verb verb_class noun noun_class '
    'all_nouns all_noun_classes'
).split()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('src', type=Path, help='folder with epic_frames/ and video/')
    parser.add_argument('out', type=Path, help='folder to write')
    args = parser.parse_args(arguments)
    missing = [name for name in (FRAMES, *VIDEOS.values()) if not (args.src / name).is_file()]
    if missing:
        parser.error(f'{args.src} lacks {", ".join(missing)}')
    extract_frames(args.src / FRAMES, args.out / 'P01')
    for name, source in VIDEOS.items():
        target = args.out / name[:3] / 'videos' / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(args.src / source, target)
    rows = annotation_rows()
    annotations = args.out / 'annotations'
    write_csv(annotations / 'EPIC_100_train.csv', COLUMNS, rows)
    for task, count in CLASSES.items():
        classes = [[number, class_name(task, number), [], 'made-up'] for number in range(count)]
        write_csv(
            annotations / f'EPIC_100_{task}_classes.csv',
            ['id', 'key', 'instances', 'category'],
            classes,
        )
    print(
        f'{args.out}: {len(rows)} clips of 5 videos, {CLASSES["verb"]} verbs, '
        f'{CLASSES["noun"]} nouns'
    )


def extract_frames(archive: Path, participant: Path) -> None:
    """Unpack RGB and flow frames into the official folders."""
    folders = {
        'frame': 'rgb_frames/P01_01',
        'flow_u': 'flow_frames/P01_01/u',
        'flow_v': 'flow_frames/P01_01/v',
    }
    with tarfile.open(archive) as tar:
        for member in tar:
            match = re.search(r'P01_01_(frame|flow_u|flow_v)_(\d+)\.jpg$', member.name)
            if match:
                target = participant / folders[match[1]] / f'frame_{int(match[2]):010d}.jpg'
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tar.extractfile(member).read())


def annotation_rows() -> list[list]:
    """Rows of the official columns, one per clip."""
    rows: list[list] = []
    per_video: dict[str, int] = {}
    for video, start, stop, count in STRETCHES:
        step = (stop - start) / count
        for part in range(count):
            number = len(rows)
            verb = number % CLASSES['verb']
            # Verb and noun repeat together only after all pairs have occurred.
            noun = (number + number // 24) % CLASSES['noun']
            begin = round(start + part * step + GAP_SECONDS, 2)
            end = round(start + (part + 1) * step, 2)
            fps = nominal_fps(video)
            in_video = per_video.get(video, 0)
            per_video[video] = in_video + 1
            names = class_name('verb', verb), class_name('noun', noun)
            rows.append(
                [
                    f'{video}_{in_video}',
                    video[:3],
                    video,
                    timestamp(begin),
                    timestamp(begin),
                    timestamp(end),
                    official_frame(begin, fps),
                    official_frame(end, fps),
                    ' '.join(names),
                    names[0],
                    verb,
                    names[1],
                    noun,
                    [names[1]],
                    [noun],
                ]
            )
    return rows


def class_name(task: str, number: int) -> str:
    return f'made-up-{task}-{number}'


def timestamp(seconds: float) -> str:
    """``HH:MM:SS.ss``; these files are shorter than a minute."""
    return f'00:00:{seconds:05.2f}'


def write_csv(path: Path, header: list[str], rows: list[list]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == '__main__':
    launch.run(main)
