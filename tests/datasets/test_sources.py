"""Path templates: each layout in use can be written down, and a mistake is explained."""

import pytest

from egomm.datasets.sources import Sources, frame_file

OFFICIAL = '{participant}/flow_frames/{video}/{axis}/frame_{index:010d}.jpg'


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_none_leaves_a_modality_out():
    sources = Sources({'rgb': None, 'hands': {'type': 'tracks', 'path': '{video}.npz'}})
    assert list(sources.candidates) == ['hands']


def test_first_source_whose_files_exist_wins_per_video(tmp_path):
    touch(
        tmp_path / 'P01/rgb_frames/P01_01/frame_0000000001.jpg',
        tmp_path / 'P01/P01_01.MP4',
        tmp_path / 'P01/P01_02.MP4',
    )
    found = Sources(
        {
            'rgb': [
                {
                    'type': 'frames',
                    'path': '{participant}/rgb_frames/{video}/frame_{index:010d}.jpg',
                },
                {'type': 'video', 'path': '{participant}/{video}.MP4'},
            ]
        },
        str(tmp_path),
    ).resolve([('P01', 'P01_01'), ('P01', 'P01_02'), ('P01', 'P01_03')])
    assert found['P01_01']['rgb']['type'] == 'frames'
    assert found['P01_02']['rgb'] == {'type': 'video', 'path': str(tmp_path / 'P01/P01_02.MP4')}
    assert found['P01_03'] == {'rgb': None}
    assert frame_file(found['P01_01']['rgb'], 12) == str(
        tmp_path / 'P01/rgb_frames/P01_01/frame_0000000012.jpg'
    )


def test_layout_of_tbn_counts_from_0_and_calls_the_axes_x_and_y(tmp_path):
    touch(tmp_path / 'P01_101/x_0000000000.jpg')
    source = Sources(
        {
            'flow': {
                'type': 'flow',
                'path': '{video}/{axis}_{index:010d}.jpg',
                'axes': ('x', 'y'),
                'first': 0,
            }
        },
        str(tmp_path),
    ).resolve([('P01', 'P01_101')])['P01_101']['flow']
    assert frame_file(source, 5, 'y') == str(tmp_path / 'P01_101/y_0000000004.jpg')
    assert source['stride'] == 1  # a video of 2020


def test_stride_follows_the_video_or_the_config(tmp_path):
    touch(tmp_path / 'P01/flow_frames/P01_01/u/frame_0000000001.jpg')
    for stride, expected in (('epic', 2), (1, 1), (3, 3)):
        sources = Sources(
            {'flow': {'type': 'flow', 'path': OFFICIAL, 'stride': stride}}, str(tmp_path)
        )
        assert sources.resolve([('P01', 'P01_01')])['P01_01']['flow']['stride'] == expected


def test_braces_in_the_root_and_absolute_paths_are_taken_as_they_are(tmp_path):
    root = tmp_path / 'a {video} b'
    touch(root / 'P01_01.wav', root / 'f/000001.jpg')
    found = Sources(
        {
            'audio': {'type': 'wav', 'path': '{video}.wav'},
            'rgb': {'type': 'frames', 'path': 'f/{index:06d}.jpg'},
        },
        str(root),
    ).resolve([('P01', 'P01_01')])['P01_01']
    assert found['audio']['path'] == str(root / 'P01_01.wav')
    assert frame_file(found['rgb'], 2) == str(root / 'f/000002.jpg')
    absolute = Sources({'audio': {'type': 'wav', 'path': str(tmp_path / 'b' / '{video}.wav')}}, 'x')
    touch(tmp_path / 'b/P01_01.wav')
    assert absolute.resolve([('P01', 'P01_01')])['P01_01']['audio']


def test_modality_that_no_video_has_is_an_error_with_template_and_first_path(tmp_path):
    touch(tmp_path / 'P01_01.wav')
    sources = Sources({'flow': {'type': 'flow', 'path': OFFICIAL}}, str(tmp_path))
    with pytest.raises(
        ValueError,
        match=(
            r'None of the 2 videos has flow.*{participant}/flow_frames.*first one looked for is '
            r'.*P01/flow_frames/P01_01/u/frame_0000000001\.jpg.*Correct `data_root`'
        ),
    ):
        sources.resolve([('P01', 'P01_01'), ('P01', 'P01_02')])


@pytest.mark.parametrize(
    ('modality', 'source', 'words'),
    [
        (
            'depth',
            {'type': 'frames', 'path': '{index}'},
            r"\['audio', 'flow', 'gaze', 'hands', 'rgb'\]; got 'depth'",
        ),
        ('rgb', {'type': 'flow', 'path': OFFICIAL}, r"out of \['frames', 'video'\], got 'flow'"),
        (
            'rgb',
            {'type': 'video', 'path': '{clip}.MP4'},
            r"'clip'.*knows \['participant', 'video'\]",
        ),
        ('rgb', {'type': 'video', 'path': '{video.MP4'}, 'malformed'),
        ('rgb', {'type': 'frames', 'path': '{video}.jpg'}, r"needs \['index'\]"),
        ('flow', {'type': 'flow', 'path': '{video}_{index}.jpg'}, r"needs \['axis', 'index'\]"),
        ('rgb', {'type': 'video', 'path': '{video}', 'fps': 3}, r"got \['fps', 'path', 'type'\]"),
        ('rgb', {'type': 'video'}, r"wants `path`.*got \['type'\]"),
        ('flow', {'type': 'flow', 'path': OFFICIAL, 'stride': 0}, "'epic' or a positive.*got 0"),
        ('flow', {'type': 'flow', 'path': OFFICIAL, 'axes': ('u',)}, 'horizontal and vertical'),
    ],
)
def test_mistakes_are_explained(modality, source, words):
    with pytest.raises(ValueError, match=words):
        Sources({modality: source})
