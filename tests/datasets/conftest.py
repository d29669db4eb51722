"""A little world on disk: two videos whose frame, flow and sound tell the time at any place."""

import wave
from fractions import Fraction
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest

HEADER = (
    'narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,'
    'start_frame,stop_frame,narration,verb,verb_class,noun,noun_class,all_nouns,'
    'all_noun_classes'
)


def write_video(path, seconds=4.0, fps=25, size=(48, 64), tone=None, audio_seconds=None, gop=12):
    """Grey frames of level ``8 + 2.4 * number``; ``tone`` in Hz, silence for 0, None: no sound."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), 'w') as container:
        video = container.add_stream('libx264', rate=fps, options={'crf': '5', 'g': str(gop)})
        video.height, video.width, video.pix_fmt = *size, 'yuv420p'
        video.thread_count = 1
        if tone is not None:
            audio = container.add_stream('aac', rate=48_000, layout='stereo')
        for number in range(round(seconds * fps)):
            image = np.full((*size, 3), round(8 + 2.4 * number), np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if tone is not None:
            count = round((audio_seconds or seconds) * 48_000)
            sound = np.sin(2 * np.pi * tone * np.arange(count) / 48_000).astype(np.float32) / 2
            for start in range(0, count, 1024):
                part = np.stack([sound[start : start + 1024]] * 2)
                frame = av.AudioFrame.from_ndarray(part, format='fltp', layout='stereo')
                frame.sample_rate, frame.pts = 48_000, start
                frame.time_base = Fraction(1, 48_000)
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def write_wav(path, samples, rate=24_000):
    """16-bit mono."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.asarray(samples) * 32767).astype('<i2').tobytes())
    return path


def write_image(path, level, size=(48, 64), channels=3):
    """One even colour, ``level`` in the first channel of RGB and 0 in the others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((*size, channels) if channels > 1 else size, level, np.uint8)
    if channels == 3:
        image[..., 1:] = 0
        image = image[..., ::-1]  # OpenCV writes BGR
    assert cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 100])
    return path


def row(narration_id, video, start, stop, fps, verb=1, noun=2):
    """One line of an official CSV."""

    def stamp(seconds):
        return f'00:00:{seconds:05.2f}'

    return (
        f'{narration_id},{video[:3]},{video},{stamp(start)},{stamp(start)},{stamp(stop)},'
        f'{max(1, int(start * fps))},{max(1, int(stop * fps))},"open, slowly",open,{verb},'
        f"door,{noun},['door'],[{noun}]"
    )


def write_csv(path, rows, header=HEADER):
    """An annotation file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join([header, *rows]) + '\n')
    return path


SOURCES = {
    'rgb': [
        {'type': 'frames', 'path': '{participant}/rgb_frames/{video}/frame_{index:010d}.jpg'},
        {'type': 'video', 'path': '{participant}/videos/{video}.MP4'},
    ],
    'flow': {
        'type': 'flow',
        'path': '{participant}/flow_frames/{video}/{axis}/frame_{index:010d}.jpg',
    },
    'audio': [
        {'type': 'wav', 'path': '{participant}/audio/{video}.wav'},
        {'type': 'container', 'path': '{participant}/videos/{video}.MP4'},
    ],
}
PIPELINE = [
    {'type': 'SampleSegments', 'num_frames': 4},
    {'type': 'LoadRGB'},
    {'type': 'LoadFlow'},
    {'type': 'LoadAudio', 'window': 0.1},
    {'type': 'RandomResizedCrop', 'size': 32},
    {'type': 'RandomFlip'},
    {'type': 'LogPower'},
    {'type': 'ResizeSpectrogram', 'size': 16},
    {'type': 'PackSample'},
]


@pytest.fixture(scope='session')
def world(tmp_path_factory):
    """Folder with P01_01 (frames, flow, wav; 60 images a second) and P02_101 (an MP4 with sound).

    Image k of P01_01 has the red level k, its flow image k (stride 2) u = k and v = 255 - k.
    """
    root = tmp_path_factory.mktemp('world')
    for number in range(1, 121):
        write_image(root / f'P01/rgb_frames/P01_01/frame_{number:010d}.jpg', number)
    for number in range(1, 60):
        flow = root / 'P01/flow_frames/P01_01'
        write_image(flow / f'u/frame_{number:010d}.jpg', number, (24, 32), 1)
        write_image(flow / f'v/frame_{number:010d}.jpg', 255 - number, (24, 32), 1)
    seconds = np.arange(2 * 24_000) / 24_000
    write_wav(root / 'P01/audio/P01_01.wav', seconds / 2)  # the sample tells its time
    write_video(root / 'P02/videos/P02_101.MP4', tone=440)
    rows = [
        row('P01_01_0', 'P01_01', 0.2, 1.2, 60, 0, 1),
        row('P01_01_1', 'P01_01', 1, 1.9, 60),
        row('P02_101_0', 'P02_101', 0.5, 2, 50),
        row('P02_101_1', 'P02_101', 2.1, 3.9, 50),
    ]
    write_csv(root / 'annotations/EPIC_100_train.csv', rows)
    return root


@pytest.fixture(scope='session')
def files():
    """The writers above, and the sources and a pipeline that fit `world`."""
    return SimpleNamespace(
        write_video=write_video,
        write_wav=write_wav,
        write_image=write_image,
        row=row,
        write_csv=write_csv,
        sources=SOURCES,
        pipeline=PIPELINE,
        header=HEADER,
    )
