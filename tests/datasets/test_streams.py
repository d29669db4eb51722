"""Reading from front to back: the right image at each time, each frame once, damage noted."""

from pathlib import Path

import av
import numpy as np
import pytest

from egomm.datasets.media import MediaError, read_audio, read_video_frames
from egomm.datasets.streams import SoundStream, VideoFrames


@pytest.fixture(scope='module')
def video(tmp_path_factory, files):
    """4 s at 25 frames a second, a keyframe every 12, a tone; frame k is grey 8 + 2.4 k."""
    return str(files.write_video(tmp_path_factory.mktemp('stream') / 'a.mp4', tone=440))


@pytest.mark.parametrize('fps', [25, 10, 60])
def test_images_are_those_on_screen_in_the_middle_of_their_time(video, fps):
    frames = VideoFrames(video, fps)
    images = list(frames)
    assert len(images) == 4 * fps
    expected = read_video_frames(video, [(number + 0.5) / fps for number in range(4 * fps)])
    np.testing.assert_array_equal(images, expected)
    assert (frames.decoded, frames.duration, frames.bad) == (100, pytest.approx(4.0), [])


def test_skipped_images_are_decoded_and_not_made(video):
    frames = VideoFrames(video, 25, skip=97)
    images = list(frames)
    assert [image is None for image in images] == [True] * 97 + [False] * 3
    np.testing.assert_array_equal(images[97:], list(VideoFrames(video, 25))[97:])
    assert frames.decoded == 100


def test_damage_is_noted_up_to_the_next_keyframe_and_the_frame_before_stands_in(video, tmp_path):
    data = bytearray(Path(video).read_bytes())
    with av.open(video) as container:
        for packet in container.demux(video=0):
            if packet.size and 1.0 <= packet.pts * packet.time_base < 2.0:
                data[packet.pos + 4 : packet.pos + packet.size] = bytes(packet.size - 4)
    damaged = tmp_path / 'damaged.mp4'
    damaged.write_bytes(data)
    frames = VideoFrames(str(damaged), 25)
    images = list(frames)
    assert len(images) == 100
    assert frames.decoded == 75
    assert frames.bad == [(1.0, pytest.approx(2.4))]  # keyframes are at 0, 0.48, ..., 2.4 s
    whole = list(VideoFrames(video, 25))
    for number in range(25, 50):
        np.testing.assert_array_equal(images[number], whole[24])
    np.testing.assert_array_equal(images[60:], whole[60:])


def test_a_video_that_ends_before_its_header_says_is_noted(video, tmp_path):
    cut = tmp_path / 'cut.mp4'
    moved = tmp_path / 'moved.mp4'
    with (
        av.open(video) as source,
        av.open(str(moved), 'w', options={'movflags': 'faststart'}) as to,
    ):
        stream = to.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                to.mux(packet)
    with av.open(str(moved)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        lost = min(packet.pos for packet in packets if packet.pts * packet.time_base >= 3.0)
    cut.write_bytes(moved.read_bytes()[:lost])
    frames = VideoFrames(str(cut), 25)
    assert len(list(frames)) == pytest.approx(75, abs=1)
    ((start, stop),) = frames.bad
    assert (start, stop) == (pytest.approx(3.0, abs=0.05), pytest.approx(4.0, abs=0.05))


def test_a_rotated_video_is_shown_upright(video, tmp_path):
    data = bytearray(Path(video).read_bytes())
    matrix = data.index(b'tkhd') + 4 + 40
    one = 1 << 16
    turned = np.array([0, one, 0, -one, 0, 0, 0, 0, 1 << 30], '>i4')  # clockwise by 90 degrees
    data[matrix : matrix + 36] = turned.tobytes()
    path = tmp_path / 'turned.mp4'
    path.write_bytes(data)
    image = next(iter(VideoFrames(str(path), 25)))
    assert image.shape == (64, 48, 3)
    assert read_video_frames(str(path), [0.0]).shape == (1, 64, 48, 3)


def test_variable_frame_rate_is_read_by_time(tmp_path):
    path = tmp_path / 'variable.mkv'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=1000, options={'crf': '5'})
        stream.height, stream.width, stream.pix_fmt = 48, 64, 'yuv420p'
        for milliseconds, level in ((0, 40), (100, 80), (700, 120), (900, 160)):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), 'rgb24')
            frame.pts = milliseconds
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    levels = [round(float(image.mean()) / 40) for image in VideoFrames(str(path), 10)]
    assert levels[:9] == [1, 2, 2, 2, 2, 2, 2, 3, 3]


def test_what_is_no_video_is_said(tmp_path, files):
    sound = files.write_wav(tmp_path / 'sound.wav', np.zeros(2400))
    with pytest.raises(MediaError, match=r'sound\.wav: a video is expected, .* no video stream'):
        next(iter(VideoFrames(str(sound), 25)))
    empty = tmp_path / 'empty.mp4'
    empty.touch()
    with pytest.raises(MediaError, match=r'empty\.mp4: a readable video'):
        next(iter(VideoFrames(str(empty), 25)))


def test_a_video_of_nothing_but_damage_is_said(video, tmp_path):
    data = bytearray(Path(video).read_bytes())
    with av.open(video) as container:
        for packet in filter(lambda packet: packet.size, container.demux(video=0)):
            data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    path = tmp_path / 'nothing.mp4'
    path.write_bytes(data)
    with pytest.raises(MediaError, match=r'nothing\.mp4: no frame of the video can be decoded'):
        next(iter(VideoFrames(str(path), 25)))


def test_sound_in_overlapping_windows_is_what_random_access_gives(video):
    sound = SoundStream(video)
    for first in range(-5000, 120_000, 9000):
        part, expected = sound.read(first, 30_000, 24_000), read_audio(video, first, 30_000, 24_000)
        np.testing.assert_allclose(part.samples, expected.samples, atol=1e-4)
        if expected.stop > expected.start:
            assert (part.start, part.stop) == (expected.start, expected.stop)
        else:
            assert part.start == part.stop


def test_a_video_without_sound_has_none(tmp_path, files):
    silent = files.write_video(tmp_path / 'silent.mp4', seconds=0.2)
    assert SoundStream(str(silent)).read(0, 100, 24_000) is None


def test_damaged_sound_is_zero_and_counted(video, tmp_path):
    data = bytearray(Path(video).read_bytes())
    with av.open(video) as container:
        for packet in container.demux(audio=0):
            if packet.size and 1.0 <= packet.pts * packet.time_base < 2.0:
                data[packet.pos : packet.pos + packet.size] = b'\xff' * packet.size
    path = tmp_path / 'damaged.mp4'
    path.write_bytes(data)
    sound = SoundStream(str(path))
    damaged = sound.read(0, 96_000, 24_000).samples
    assert sound.bad > 0
    whole = read_audio(video, 0, 96_000, 24_000).samples
    np.testing.assert_allclose(damaged[:23_000], whole[:23_000], atol=1e-4)
    assert not damaged[28_000:46_000].any()
    np.testing.assert_allclose(damaged[60_000:90_000], whole[60_000:90_000], atol=2e-2)
