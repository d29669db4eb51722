"""From JPEG frames, flow and sound to a packed clip, against the transforms of mmaction2.

mmaction2 reads no sound of clips; its side computes the spectrogram with NumPy, window by window,
as the authors of TBN do with librosa.
"""

import csv
import wave
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

import egomm.registry  # noqa: F401 - lets mmaction2 be imported
from egomm.registry import DATASETS
from egomm.testing.benchmarks.contest import (
    Contest,
    Settings,
    Side,
    Work,
    relative_difference,
    scratch,
)
from egomm.testing.benchmarks.steps import CONFIGS
from egomm.testing.media import write_wav

FPS, WIDTH, HEIGHT, SIZE = 50, 456, 256, 224
FRAMES, WINDOW_SAMPLES, RATE = 8, 30_696, 24_000
VIDEO = 'P01_101'


def input_pipeline(settings: Settings) -> Contest:
    """One clip a time: the loaders of both sides run as many of these as they have workers.

    As in such a process, torch has one thread and OpenCV none besides.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    clips = 4 if settings.quick else 12
    return Contest(
        work=f'{clips} clips of 8 JPEG frames ({WIDTH} x {HEIGHT}), 8 x 2 flow images and sound',
        peer=Side("mmaction2's transforms, NumPy's FFT", lambda: _mmaction(clips)),
        sides=[Side('egomm', lambda: _ours(clips), speed=1.5, tolerance=1e-3)],
        difference=relative_difference,
        facts={'speed-up of 2 loading processes over 1': lambda: _two_processes(clips)},
    )


@lru_cache
def world(clips: int) -> Path:
    """A data set of one video in the official layout; removed when the process ends."""
    root = Path(scratch().name) / f'{clips}'
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (HEIGHT // 16, WIDTH // 16 + 1, 3), dtype=np.uint8)
    picture = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    home = root / 'P01'
    for folder in ('rgb_frames', 'flow_frames'):
        for axis in ('',) if folder == 'rgb_frames' else ('u', 'v'):
            (home / folder / VIDEO / axis).mkdir(parents=True)
    for theirs, axis in ('xu', 'yv'):  # mmaction2 names the axes of flow x and y
        (home / 'flow_frames' / VIDEO / theirs).symlink_to(axis)
    (home / 'audio').mkdir()
    count = (clips + 1) * FPS
    for number in range(1, count + 1):
        image = np.roll(picture, 3 * number, axis=1)
        cv2.imwrite(str(home / 'rgb_frames' / VIDEO / f'frame_{number:010d}.jpg'), image)
        for place, axis in enumerate('uv'):
            path = home / 'flow_frames' / VIDEO / axis / f'frame_{number:010d}.jpg'
            cv2.imwrite(str(path), image[..., place])
    sound = rng.normal(0, 3000, int((count / FPS + 2) * RATE)).astype(np.int16)
    write_wav(home / 'audio' / f'{VIDEO}.wav', sound)
    (root / 'annotations').mkdir()
    _write_annotations(root / 'annotations' / 'clips.csv', clips)
    return root


def _write_annotations(path: Path, clips: int) -> None:
    names = (
        *('narration_id', 'participant_id', 'video_id', 'narration_timestamp'),
        *('start_timestamp', 'stop_timestamp', 'start_frame', 'stop_frame'),
        *('narration', 'verb', 'verb_class', 'noun', 'noun_class', 'all_nouns', 'all_noun_classes'),
    )
    with open(path, 'w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for clip in range(clips):  # clip k has the images 50 k + 1 to 50 k + 50
            start, stop = f'00:00:{clip:02d}.00', f'00:00:{clip + 1:02d}.00'
            frames = (clip * FPS + 1, (clip + 1) * FPS)
            row = (f'{VIDEO}_{clip}', 'P01', VIDEO, start, start, stop, *frames)
            writer.writerow((*row, 'open door', 'open', 3, 'door', 8, "['door']", '[8]'))


@lru_cache
def _dataset(clips: int) -> Any:
    config = Config.fromfile(CONFIGS / '_base_/datasets/epic100_rgb_flow_audio.py')
    settings = config.val_dataloader.dataset
    settings.data_root, settings.ann_file = f'{world(clips)}/', 'annotations/clips.csv'
    return DATASETS.build(settings)


def _ours(clips: int) -> Work:
    dataset = _dataset(clips)

    def work() -> list[Tensor]:
        items = [dataset[index]['inputs'] for index in range(clips)]
        return [item[name] for item in items for name in ('rgb', 'flow', 'audio')]

    return work


def _mmaction(clips: int) -> Work:
    from mmaction.registry import TRANSFORMS

    steps = [
        dict(type='mmaction.RawFrameDecode'),
        dict(type='mmaction.Resize', scale=(-1, HEIGHT)),
        dict(type='mmaction.CenterCrop', crop_size=SIZE),
    ]
    steps = [TRANSFORMS.build(step) for step in steps]
    pack = TRANSFORMS.build(dict(type='mmaction.FormatShape', input_format='NCTHW'))
    home = world(clips) / 'P01'
    places = [_dataset(clips)[index]['data_samples'].metainfo for index in range(clips)]

    def images(clip: dict, modality: str) -> Tensor:
        folder, name = 'rgb_frames', 'frame_{:010d}.jpg'
        if modality == 'Flow':
            folder, name = 'flow_frames', '{}/frame_{:010d}.jpg'
        results = dict(
            frame_dir=str(home / folder / VIDEO),
            filename_tmpl=name,
            modality=modality,
            frame_inds=np.floor(np.array(clip['times']) * FPS + 1e-6).astype(int) + 1,
            **dict(num_clips=1, clip_len=FRAMES),
        )
        for step in steps:
            results = step(results)
        return torch.from_numpy(pack(results)['imgs'][0])

    def work() -> list[Tensor]:
        found = []
        for clip in places:
            found += [images(clip, 'RGB'), images(clip, 'Flow')]
            found.append(_spectrograms(home / 'audio' / f'{VIDEO}.wav', clip['times']))
        return found

    return work


def _spectrograms(path: Path, times: Any) -> Tensor:
    """The log power of a window around each time, ``(1, N, S, S)``."""
    with wave.open(str(path)) as file:
        data = file.readframes(file.getnframes())
    samples = np.frombuffer(data, '<i2').astype(np.float32) / 32768
    hann = np.zeros(511, np.float32)
    hann[135:375] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(240) / 240)
    maps = []
    for time in times:
        first = round(float(time) * RATE) - WINDOW_SAMPLES // 2
        window = np.zeros(WINDOW_SAMPLES + 511, np.float32)
        low, high = max(first, 0), min(first + WINDOW_SAMPLES, len(samples))
        window[255 + low - first : 255 + high - first] = samples[low:high]
        columns = np.lib.stride_tricks.sliding_window_view(window, 511)[::120]
        power = np.abs(np.fft.rfft(columns[: 1 + WINDOW_SAMPLES // 120] * hann)) ** 2
        image = np.log(power.T + 1e-6).astype(np.float32)
        maps.append(cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA))
    return torch.from_numpy(np.stack(maps)[None])


def _two_processes(clips: int) -> float:
    """Time of one loading process over that of two, without what starting them takes."""
    from time import perf_counter

    from mmengine.dataset import pseudo_collate
    from torch.utils.data import DataLoader

    taken = []
    for workers in (1, 2):
        loader = DataLoader(
            _dataset(clips),
            sampler=[index % clips for index in range(8 * max(clips, 8))],
            batch_size=4,
            num_workers=workers,
            collate_fn=pseudo_collate,
        )
        batches = iter(loader)
        next(batches), next(batches)
        begin = perf_counter()
        for _ in batches:
            pass
        taken.append(perf_counter() - begin)
    return taken[0] / taken[1]
