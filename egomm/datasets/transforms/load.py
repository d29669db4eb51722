"""Reading what each modality has at the sampled instants.

A modality whose source is None gets a small placeholder and ``present`` False; the spatial
transforms bring it to the size of the others.

A source may say that its file does not begin where the record counts from: ``begin_frame``, the
number of the frame that its first image shows (default 1), and ``begin_seconds`` (default 0).
What is decoded already comes as ``type='memory'``: ``images`` (N, H, W, 3), or whatever gives them
for an array of indices, for RGB; for sound ``sound``, whose ``read`` is called like `read_audio`;
for flow ``images`` with an ``engine``, a `FlowEngine` that computes it.

Shapes: N = instants, H, W = height and width, S = samples of a window of sound.
"""

from collections.abc import Sequence
from os import path as osp

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from egomm.datasets.media import (
    TOLERANCE_FRAMES,
    MediaError,
    read_audio,
    read_image,
    read_video_frames,
)
from egomm.datasets.sources import frame_file
from egomm.functional.time_grid import flow_index
from egomm.registry import TRANSFORMS

PLACEHOLDER_SIZE = 16
FLOW_ZERO = 128  # 8-bit flow: no motion
MIN_AUDIO_SHARE = 0.2


@TRANSFORMS.register_module()
class LoadRGB(BaseTransform):
    """Add ``rgb`` (N, H, W, 3) uint8: JPEG frames by official number, or video by time."""

    def transform(self, results: dict) -> dict:
        """Add ``rgb`` and ``present['rgb']``.

        Raises:
            MediaError: If a frame is missing or broken, or the clip ends after its video.
        """
        source = _source(results, 'rgb', type(self).__name__)
        if source is None:
            shape = (len(results['times']), PLACEHOLDER_SIZE, PLACEHOLDER_SIZE, 3)
            results['rgb'] = np.zeros(shape, np.uint8)
        elif source['type'] == 'frames':
            files = _frame_files(source, _numbers(results, source), TOLERANCE_FRAMES)
            results['rgb'] = np.stack(_read(files, gray=False))
        elif source['type'] == 'memory':
            results['rgb'] = source['images'][_numbers(results, source) - 1]
        else:
            begin = source.get('begin_seconds', 0.0)
            results['rgb'] = read_video_frames(
                source['path'], (results['times'] - begin).tolist(), results['stop_seconds'] - begin
            )
        return results


@TRANSFORMS.register_module()
class LoadFlow(BaseTransform):
    """Add ``flow`` (N, H, W, 2) uint8: horizontal and vertical motion, 128 = none."""

    def transform(self, results: dict) -> dict:
        """Add ``flow`` and ``present['flow']``.

        Raises:
            MediaError: If a frame is missing or broken.
        """
        source = _source(results, 'flow', type(self).__name__)
        if source is None:
            shape = (len(results['times']), PLACEHOLDER_SIZE, PLACEHOLDER_SIZE, 2)
            results['flow'] = np.full(shape, FLOW_ZERO, np.uint8)
            return results
        frames = _numbers(results, source).tolist()
        if source['type'] == 'memory':
            results['flow'] = np.stack([_computed_flow(source, frame) for frame in frames])
            return results
        numbers = [flow_index(frame, source['stride']) for frame in frames]
        # A video has one flow frame fewer than RGB frames.
        files = [file for axis in source['axes'] for file in _frame_files(source, numbers, 1, axis)]
        images = _read(files, gray=True)
        pairs = zip(images[: len(frames)], images[len(frames) :], strict=True)
        results['flow'] = np.stack([cv2.merge(pair) for pair in pairs])
        return results


@TRANSFORMS.register_module()
class LoadAudio(BaseTransform):
    """Add ``waveform`` (N, S) float32: one window of sound centred on each instant.

    What lies before the beginning or after the end of the sound is zero. The clip counts as
    without sound (``present`` False) if there is no audio stream, if less than a fifth of the time
    from the first to the last window is there, or if all of it is exactly zero. The condition is
    left in ``conditions['audio']`` for the counts of the dataset.

    Args:
        sample_rate: Samples per second; sound is mixed to one channel and resampled.
        window: Seconds around each instant. 1.279 gives 256 columns in TBN's spectrogram.

    Raises:
        ValueError: If the window has no sample.
    """

    def __init__(self, sample_rate: int = 24_000, window: float = 1.279) -> None:
        self.sample_rate = sample_rate
        self.samples = round(window * sample_rate)
        if self.samples < 1:
            raise ValueError(
                'LoadAudio wants a window of at least one sample; got '
                f'{window!r} s at {sample_rate!r} per second.'
            )

    def transform(self, results: dict) -> dict:
        """Add ``waveform`` and ``present['audio']``.

        Raises:
            MediaError: If the file is broken.
        """
        source = _source(results, 'audio', type(self).__name__)
        begin = source.get('begin_seconds', 0.0) if source else 0.0
        centres = np.rint((results['times'] - begin) * self.sample_rate).astype(np.int64)
        starts = centres - self.samples // 2
        first, count = int(starts[0]), int(starts[-1] - starts[0]) + self.samples
        part = None
        if source is not None and source['type'] == 'memory':
            part = source['sound'].read(first, count, self.sample_rate)
        elif source is not None:
            part = read_audio(source['path'], first, count, self.sample_rate)
        if part is None or part.stop - part.start < MIN_AUDIO_SHARE * count:
            condition = 'absent'
        elif not part.samples.any():
            condition = 'silent'
        else:
            condition = 'whole' if part.stop - part.start == count else 'padded'
        results['conditions']['audio'] = condition
        results['present']['audio'] = condition in ('whole', 'padded')
        if results['present']['audio']:
            results['waveform'] = np.stack(
                [part.samples[start : start + self.samples] for start in starts - first]
            )
        else:
            results['waveform'] = np.zeros((len(starts), self.samples), np.float32)
        return results


def _source(results: dict, modality: str, transform: str) -> dict | None:
    """The source to read, or None where the video lacks the modality; notes which it is."""
    if modality not in results['sources']:
        raise ValueError(
            f'{transform} reads {modality}, but the dataset has sources for '
            f'{sorted(results["sources"])} only. Add sources[{modality!r}] to the dataset (with '
            f'check_files=True), or take {transform} out of the pipeline.'
        )
    if 'times' not in results:
        raise ValueError(
            f'{transform} reads at sampled instants, of which there are none yet. '
            'Put `SampleSegments` before it in the pipeline.'
        )
    source = results['sources'][modality]
    results['present'][modality] = source is not None
    return source


def _computed_flow(source: dict, frame: int) -> np.ndarray:
    """Flow ``(H, W, 2)`` that belongs to an image, counted from 1; the last pair at the end."""
    engine, images = source['engine'], source['images']
    stride = engine.settings.stride
    first = (flow_index(frame, stride) - 1) * stride
    first = max(0, min(first, len(images) - 1 - stride))
    pair = images[np.array([first, min(first + stride, len(images) - 1)])]
    return engine(pair[0], pair[1])


def _numbers(results: dict, source: dict) -> np.ndarray:
    """Which images of the source are wanted, counted from 1."""
    return results['frame_indices'] - source.get('begin_frame', 1) + 1


def _frame_files(
    source: dict,
    numbers: Sequence[int],
    tolerance: int,
    axis: str = '',
) -> list[str]:
    """Files of the frames; up to ``tolerance`` frames after the last one, that one stands in.

    A file that is missing although a later one exists is a hole, for which nothing stands in.
    """
    files = [frame_file(source, int(number), axis) for number in numbers]
    if osp.exists(files[-1]):
        return files
    last = int(numbers[-1])
    later = range(last + 1, last + 1 + TOLERANCE_FRAMES)
    if not any(osp.exists(frame_file(source, number, axis)) for number in later):
        for number in range(last - 1, max(last - 1 - tolerance, 0), -1):
            if osp.exists(frame_file(source, number, axis)):
                return [frame_file(source, min(int(wanted), number), axis) for wanted in numbers]
    return files


def _read(files: Sequence[str], gray: bool) -> list[np.ndarray]:
    """Images of one size."""
    images = [read_image(file, gray) for file in files]
    for file, image in zip(files, images, strict=True):
        if image.shape != images[0].shape:
            raise MediaError(
                file,
                f'a frame of {images[0].shape[:2]} (height, width) is expected '
                f'as in {files[0]}, got {image.shape[:2]}. Extract this video again.',
            )
    return images
