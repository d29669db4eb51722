"""Reading files: the right instant, the right sound, and one error for what is broken."""

import os
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from egomm.datasets import media
from egomm.datasets.media import MediaError, read_audio, read_image, read_video_frames

RATE = 24_000


@pytest.fixture(scope='module')
def video(tmp_path_factory, files):
    """4 s at 25 frames a second, a keyframe every 12, a tone; frame k is grey 8 + 2.4 k."""
    return str(files.write_video(tmp_path_factory.mktemp('video') / 'a.mp4', tone=440))


def levels(images):
    return np.rint((images.mean(axis=(1, 2, 3)) - 8) / 2.4).astype(int).tolist()


def tone(first, count, hertz=440):
    return np.sin(2 * np.pi * hertz * (first + np.arange(count)) / RATE) / 2


def test_frame_on_screen_at_each_time(video):
    # Frame k is shown from k / 25 on; 0.6 s = 15 / 25 is no exact number in floating point.
    images = read_video_frames(video, [0.0, 0.039, 0.04, 0.6, 0.61, 1.5, 3.99])
    assert images.shape == (7, 48, 64, 3)
    assert images.dtype == np.uint8
    assert levels(images) == [0, 0, 1, 15, 15, 37, 99]


@pytest.mark.parametrize('times', [[3.5], [0.1, 0.1], [0.5, 3.3], [1.9, 1.95, 2.7]])
def test_seeking_gives_what_decoding_from_the_start_gives(video, times):
    with av.open(video) as container:
        decoded = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
    images = read_video_frames(video, times)
    for time, image in zip(times, images, strict=True):
        np.testing.assert_array_equal(image, decoded[int(time * 25 + 1e-6)])


def test_a_little_after_the_end_the_last_frame_stands_in(video):
    assert levels(read_video_frames(video, [3.9, 4.05], stop=4.1)) == [97, 99]


def test_clip_after_the_end_is_refused_with_both_durations(video):
    with pytest.raises(
        MediaError,
        match=r'a\.mp4: the video lasts 4\.000 s, but the clip has its '
        r'frames at 3\.900-3\.950 s and ends at 5\.000 s\. Correct the time',
    ):
        read_video_frames(video, [3.9, 3.95], stop=5.0)


def test_file_that_starts_late_counts_from_its_own_start(tmp_path, files, video):
    late = str(tmp_path / 'late.mkv')
    with av.open(video) as source, av.open(late, 'w') as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                shift = int(7 / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = stream
                target.mux(packet)
    assert levels(read_video_frames(late, [0.0, 1.0, 3.0])) == [0, 25, 75]


def test_broken_files_are_named(tmp_path, files, video):
    data = Path(video).read_bytes()
    empty, cut, text = tmp_path / 'empty.mp4', tmp_path / 'cut.mp4', tmp_path / 'text.mp4'
    empty.touch()
    cut.write_bytes(data[: len(data) // 2])
    text.write_text('no video')
    for path in (empty, cut, text, tmp_path / 'gone.mp4'):
        with pytest.raises(MediaError, match=rf'{path.name}: a readable video .*FFmpeg says'):
            read_video_frames(str(path), [0.5])
        with pytest.raises(MediaError, match=rf'{path.name}: a readable video'):
            read_audio(str(path), 0, 100, RATE)


def test_cut_file_whose_index_is_at_the_front_is_named(tmp_path, video):
    front, cut = str(tmp_path / 'front.mp4'), tmp_path / 'cut.mp4'
    with av.open(video) as source, av.open(front, 'w', options={'movflags': 'faststart'}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = Path(front).read_bytes()
    cut.write_bytes(data[: len(data) * 3 // 4])
    assert levels(read_video_frames(str(cut), [0.5])) == [12]  # what is there can be read
    with pytest.raises(MediaError, match=r'cut\.mp4: (nothing|no frame) can be decoded.*cut off'):
        read_video_frames(str(cut), [0.5, 3.9])


def test_file_without_video_is_named(world):
    with pytest.raises(MediaError, match=r'P01_01\.wav: a video is expected.*no video stream'):
        read_video_frames(str(world / 'P01/audio/P01_01.wav'), [0.5])


@pytest.mark.parametrize('first', [0, 2_000, 30_000, 60_001])
def test_sound_of_a_container_is_mono_at_the_wanted_rate_and_in_time(video, first):
    part = read_audio(video, first, 12_000, RATE)
    assert (part.start, part.stop) == (0, 12_000)
    assert part.samples.dtype == np.float32
    # AAC is lossy; a shift of one sample of a 440 Hz tone would alone be off by 0.06.
    np.testing.assert_allclose(part.samples[200:], tone(first, 12_000)[200:], atol=0.02)


def test_wav_is_read_exactly(world):
    path = str(world / 'P01/audio/P01_01.wav')
    part = read_audio(path, 10_000, 24_000, RATE)
    expected = np.floor((10_000 + np.arange(24_000)) / RATE / 2 * 32767) / 32768
    np.testing.assert_allclose(part.samples, expected, atol=1 / 32768)


@pytest.mark.parametrize(
    ('channels', 'width', 'rate', 'length'),
    [
        (1, 2, RATE, None),
        (1, 2, RATE, 60_000),  # cut off
        (1, 2, RATE, 30_001),  # in the middle of a sample
        (1, 2, RATE, 45),  # in the middle of the first one
        (1, 1, RATE, None),
        (2, 2, RATE, None),
        (1, 2, 48_000, None),
    ],
)
def test_wav_reads_as_ffmpeg_reads_it(tmp_path, monkeypatch, channels, width, rate, length):
    noise = np.random.default_rng(0).integers(0, 256, 36_000 * channels * width, dtype=np.uint8)
    path = tmp_path / 'a.wav'
    with wave.open(str(path), 'wb') as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(noise.tobytes())
    path.write_bytes(path.read_bytes()[:length])
    windows = [(0, 36_000), (-100, 300), (-500, 100), (7_000, 5_000), (35_000, 3_000), (90_000, 10)]

    def read():
        found = []
        for first, count in windows:
            try:
                part = read_audio(str(path), first, count, RATE)
                found.append((part.samples.tolist(), part.start, part.stop))
            except MediaError as error:
                found.append(str(error))
        return found

    ours = read()
    monkeypatch.setattr(media, '_ready_wav', lambda *_: None)
    assert ours == read()


def test_wav_of_another_rate_is_resampled(tmp_path, files):
    path = files.write_wav(
        tmp_path / 'a.wav', np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100) / 2, 44_100
    )
    part = read_audio(str(path), 6_000, 12_000, RATE)
    # Its first sample may lie half a sample beside the grid of the result: 0.03 for this tone.
    np.testing.assert_allclose(part.samples, tone(6_000, 12_000), atol=0.03)


def test_what_lies_outside_the_sound_is_zero_and_told(world):
    path = str(world / 'P01/audio/P01_01.wav')  # 48,000 samples
    part = read_audio(path, -100, 300, RATE)
    assert (part.start, part.stop) == (100, 300)
    assert not part.samples[:101].any()
    assert part.samples[200:].all()
    part = read_audio(path, 47_000, 3_000, RATE)
    assert (part.start, part.stop) == (0, 1_000)
    assert not part.samples[1_000:].any()
    part = read_audio(path, 90_000, 10, RATE)
    assert part.start == part.stop


def test_no_sound_is_no_error(tmp_path, files):
    path = files.write_video(tmp_path / 'mute.mp4', seconds=0.4)
    assert read_audio(str(path), 0, 100, RATE) is None


def test_image_is_rgb_or_grey(tmp_path, files):
    path = str(files.write_image(tmp_path / 'a.jpg', 200))
    assert read_image(path).shape == (48, 64, 3)
    assert np.abs(read_image(path)[0, 0].astype(int) - (200, 0, 0)).max() <= 2
    assert read_image(path, gray=True).shape == (48, 64)


def test_missing_empty_cut_and_foreign_images_are_named(tmp_path, files):
    whole = files.write_image(tmp_path / 'a.jpg', 200)
    cut, empty, text = tmp_path / 'cut.jpg', tmp_path / 'empty.jpg', tmp_path / 'text.jpg'
    cut.write_bytes(whole.read_bytes()[:-40])
    empty.touch()
    text.write_text('no image')
    for path, words in (
        (tmp_path / 'no.jpg', 'expected here, but No such file.*`first`'),
        (cut, 'the JPEG is cut off after'),
        (empty, 'its 0 bytes are none'),
        (text, 'its 8 bytes are none'),
    ):
        with pytest.raises(MediaError, match=rf'{path.name}: .*{words}'):
            read_image(str(path))


@pytest.mark.skipif(not Path('/proc/self/fd').is_dir(), reason='needs /proc to count open files')
def test_files_are_closed_also_after_an_error(video, world):
    before = len(os.listdir('/proc/self/fd'))
    for _ in range(20):
        read_video_frames(video, [0.5])
        read_audio(video, 0, 100, RATE)
        with pytest.raises(MediaError):
            read_video_frames(video, [9.0])
        with pytest.raises(MediaError):
            read_video_frames(str(world / 'P01/audio/P01_01.wav'), [0.5])
    assert len(os.listdir('/proc/self/fd')) == before


@pytest.mark.parametrize(
    ('name', 'times'),
    [
        ('ego4d_3c0dffd0_012_014.mp4', [0.0, 0.71, 1.99]),
        ('mmaction2_demo.mp4', [0.3, 6.6, 6.7, 9.9]),
        ('mmaction2_test.avi', [0.0, 1.0, 3.3, 6.5]),
        ('mmcv_test.mp4', [2.5, 4.6, 5.2, 6.7]),
    ],
)
def test_real_videos_give_the_frame_of_the_time(realdata, name, times):
    path = str(realdata / 'video' / name)
    with av.open(path) as container:
        decoded = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
        rate = float(container.streams.video[0].average_rate)
    images = read_video_frames(path, times)
    for time, image in zip(times, images, strict=True):
        number = int(time * rate + 1e-6)
        # The stamps of the AVI start at 1 and swap neighbours, so it may be two frames off.
        slack = 2 if name.endswith('avi') else 0
        nearby = decoded[max(number - slack, 0) : number + slack + 1]
        assert any(np.array_equal(image, frame) for frame in nearby)


def test_real_sound(realdata):
    folder = realdata / 'video'
    silent = read_audio(str(folder / 'ego4d_3c0dffd0_012_014.mp4'), 0, RATE, RATE)
    assert not silent.samples.any()
    assert read_audio(str(folder / 'mmaction2_demo.mp4'), 0, RATE, RATE) is None
    for name in ('mmaction2_test.avi', 'mmcv_test.mp4'):
        part = read_audio(str(folder / name), 3 * RATE, RATE, RATE)
        assert (part.start, part.stop) == (0, RATE)
        assert np.abs(part.samples).max() > 0.01


def test_a_file_that_does_not_answer_in_time_is_refused(video, monkeypatch):
    monkeypatch.setattr(media, 'LIMIT_SECONDS', 1e-9)
    # FFmpeg has a limit of its own for reading; here it is that of decoding.
    monkeypatch.setattr(
        media.av, 'open', lambda path, timeout, open=av.open, **rest: open(path, **rest)
    )
    words = r'a\.mp4: what is wanted of it is not decoded after 0 s. It is probably damaged'
    with pytest.raises(MediaError, match=words):
        read_video_frames(video, [0.5])
    with pytest.raises(MediaError, match=words):
        read_audio(video, 0, 1000, RATE)


def test_a_name_in_an_unknown_encoding_is_no_fault(video, tmp_path):
    content = Path(video).read_bytes()
    at = content.rindex(b'VideoHandler')
    (tmp_path / 'x.mp4').write_bytes(content[: at + 4] + b'\xe6' + content[at + 5 :])
    assert levels(read_video_frames(str(tmp_path / 'x.mp4'), [0.0])) == [0]


def test_a_format_without_a_decoder_is_named(video, files, tmp_path):
    content = Path(video).read_bytes()
    (tmp_path / 'x.mp4').write_bytes(content.replace(b'avc1', b'zzzz'))
    words = 'is in a format that this FFmpeg cannot decode, or its header is damaged. Fetch'
    with pytest.raises(MediaError, match=rf'x\.mp4: its video {words}'):
        read_video_frames(str(tmp_path / 'x.mp4'), [0.0])
    sound = files.write_wav(tmp_path / 'x.wav', tone(0, 1000))
    content = sound.read_bytes()
    sound.write_bytes(content[:20] + b'\x99\x99' + content[22:])
    with pytest.raises(MediaError, match=rf'x\.wav: its audio {words}'):
        read_audio(str(sound), 0, 100, RATE)
