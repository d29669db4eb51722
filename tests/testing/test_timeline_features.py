import json

import numpy as np

from egomm.datasets.localization import MomentQueries
from egomm.testing.moments import write_moment_annotations
from egomm.testing.timeline import TimelineSpec, plan_timelines
from egomm.testing.timeline_features import DIM, write_timeline_features

SPEC = TimelineSpec(train=2, val=1, test=1)


def test_the_data_set_reads_them_and_handlings_stand_out(tmp_path):
    timelines = plan_timelines(SPEC)
    write_moment_annotations(tmp_path, SPEC, timelines)
    write_timeline_features(tmp_path / 'features', SPEC, timelines, signal=30.0)
    about = json.loads((tmp_path / 'features/manifest.json').read_text())
    assert about == dict(dim=DIM, fps=10, stride=5, window=8, per='video')
    dataset = MomentQueries(
        'annotations/moments_train.json',
        'annotations/moment_classes.txt',
        dict(video=dict(path='features')),
        data_root=f'{tmp_path}/',
        length=None,
    )
    assert len(dataset) == 2
    assert dataset[0]['inputs']['video'].shape[0] == DIM
    line = timelines[0]
    features = np.load(tmp_path / f'features/{line.video_id}.npy')
    assert len(features) == (line.video.frames - 8) // 5 + 1
    shown = next(
        row
        for row, owner in zip(line.video.segments, line.owners, strict=True)
        if owner >= 0 and row.shown and row.stop - row.start > 0.8
    )
    at = round(shown.start * 10 / 5)
    background = next(
        row
        for row, owner in zip(line.video.segments, line.owners, strict=True)
        if owner < 0 and row.stop - row.start > 0.8
    )
    norms = np.linalg.norm(features, axis=1)
    assert norms[at] > 20
    assert norms[round(background.start * 10 / 5)] < 15


def test_noise_is_the_same_whatever_the_core(tmp_path):
    for core in ('centre', 'flat'):
        spec = TimelineSpec(train=1, val=1, test=1, core=core)
        write_timeline_features(tmp_path / core, spec, plan_timelines(spec), signal=0.0)
    one, other = (next((tmp_path / core).glob('*.npy')) for core in ('centre', 'flat'))
    assert one.name == other.name
    np.testing.assert_array_equal(np.load(one), np.load(other))
