"""A file, a folder and an array of the same frames are the same footage; what is none is said."""

import shutil
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from egomm.datasets.footage import open_footage
from egomm.datasets.media import MediaError, read_video_frames


@pytest.fixture(scope='module')
def video(tmp_path_factory, files):
    return files.write_video(tmp_path_factory.mktemp('footage') / 'a b ü.mp4', tone=440)


def test_a_file_tells_what_it_is(video):
    footage = open_footage(video)
    assert (footage.name, footage.fps, footage.size) == ('a b ü', 25.0, (48, 64))
    assert footage.duration == pytest.approx(4.0)
    assert footage.has_sound
    assert footage.notes == ()
    images = footage.images(1.0, 25.0, 50)[np.array([0, 3, 3, 1])]
    expected = read_video_frames(str(video), [1.02, 1.06, 1.14])[[0, 2, 2, 1]]
    np.testing.assert_array_equal(images, expected)
    assert len(list(footage.frames(10))) == 40
    for sound in (footage.sound(), footage.sound_at()):
        assert sound.read(0, 100, 24_000).stop == 100


def test_a_folder_and_an_array_are_like_the_file(video, tmp_path, files):
    images = np.stack(list(open_footage(video).frames(25)))
    for number, image in enumerate(images):
        files.write_image(tmp_path / f'{number:03d}.png', int(image[0, 0, 0]))
    folder, array = open_footage(tmp_path, 25.0), open_footage(images, 25.0)
    for footage in (folder, array):
        assert footage.duration == 4.0
        assert footage.sound() is None
        assert not footage.notes
        assert len(list(footage.frames(10))) == 40
    np.testing.assert_array_equal(list(array.frames(10)), list(open_footage(video).frames(10)))
    red = folder.images(1.0, 25.0, 50)[np.array([0, 3, 1])][..., 0]
    np.testing.assert_array_equal(red, images[[25, 28, 26], ..., 0])
    assert 'taken for 30 frames per second' in open_footage(images).notes[0]


def test_one_frame_is_footage(tmp_path, files):
    footage = open_footage(files.write_video(tmp_path / 'one.mp4', seconds=0.04))
    assert footage.notes == ('no sound', 'a single frame, repeated where a clip is wanted')
    assert len(footage.images(0.0, 25.0, 8)[np.arange(8)]) == 8


def test_two_video_streams_are_said(video, tmp_path):
    path = tmp_path / 'two.mkv'
    with av.open(str(video)) as source, av.open(str(path), 'w') as target:
        streams = [target.add_stream_from_template(source.streams.video[0]) for _ in range(2)]
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = streams[0]
                target.mux(packet)
    assert '2 video streams; stream 0 is taken' in open_footage(path).notes


def test_a_turned_video_is_said_and_shown_upright(video, tmp_path):
    data = bytearray(video.read_bytes())
    matrix = data.index(b'tkhd') + 4 + 40
    one = 1 << 16
    turned = np.array([0, one, 0, -one, 0, 0, 0, 0, 1 << 30], '>i4')  # clockwise by 90 degrees
    data[matrix : matrix + 36] = turned.tobytes()
    (tmp_path / 'turned.mp4').write_bytes(data)
    footage = open_footage(tmp_path / 'turned.mp4')
    assert footage.size == (64, 48)
    assert footage.at(np.array([0.0])).shape == (1, 64, 48, 3)
    assert any(note.startswith('stored turned by') for note in footage.notes)


def test_an_uneven_rate_is_said(tmp_path):
    path, milliseconds = tmp_path / 'variable.mp4', 0
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=30, options={'crf': '5'})
        stream.height, stream.width, stream.pix_fmt = 48, 64, 'yuv420p'
        stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(60):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), 'rgb24')
            frame.pts, frame.time_base = milliseconds, Fraction(1, 1000)
            container.mux(stream.encode(frame))
            milliseconds += 33 if number < 20 else 60
        container.mux(stream.encode(None))
    assert any('frames come at no even rate (20.' in note for note in open_footage(path).notes)


@pytest.mark.parametrize(
    'make, words',
    [
        (lambda path: None, 'there is no such file or folder'),
        (lambda path: path.touch(), 'the file has zero bytes'),
        (lambda path: path.write_text('no video'), 'a readable video or sound file is expected'),
        (lambda path: path.mkdir(), r'a folder of frames \(.jpg.* there are none'),
    ],
)
def test_what_is_no_footage_is_one_line(make, words, tmp_path):
    make(tmp_path / 'x y.mp4')
    with pytest.raises(MediaError, match=rf'x y\.mp4: {words}') as error:
        open_footage(tmp_path / 'x y.mp4')
    assert '\n' not in str(error.value)


def test_sound_alone_is_said(tmp_path, files):
    path = files.write_wav(tmp_path / 'sound.wav', np.zeros(2400))
    with pytest.raises(MediaError, match='a video is expected, but the file has only audio'):
        open_footage(path)


def test_a_video_without_one_whole_frame_is_said(video, tmp_path):
    path = tmp_path / 'nothing.mp4'
    shutil.copy(video, path)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in filter(lambda packet: packet.size, container.demux(video=0)):
            data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    path.write_bytes(data)
    with pytest.raises(MediaError, match='no frame of the video can be decoded'):
        open_footage(path)


def test_frames_of_two_sizes_are_said(tmp_path, files):
    files.write_image(tmp_path / '1.png', 10)
    files.write_image(tmp_path / '2.png', 10, size=(24, 32))
    with pytest.raises(MediaError, match='frames of one size are expected'):
        open_footage(tmp_path).at(np.array([0.0, 0.05]))


def test_numbers_in_names_of_frames_count_as_such(tmp_path):
    for number in (1, 2, 10):
        cv2.imwrite(str(tmp_path / f'shot {number}.png'), np.full((8, 8, 3), number, np.uint8))
    images = open_footage(tmp_path, 1.0).at(np.arange(3.0))
    assert images[:, 0, 0, 0].tolist() == [1, 2, 10]


@pytest.mark.parametrize('rate', [0.0, -5.0, float('nan'), float('inf')])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match='array: frames per second are above 0; got'):
        open_footage(np.zeros((2, 8, 8, 3), np.uint8), rate)


def test_an_array_of_another_kind_is_refused():
    with pytest.raises(ValueError, match=r'is \(N, H, W, 3\) uint8 .* got \(2, 4, 4, 3\) float64'):
        open_footage(np.zeros((2, 4, 4, 3)))
