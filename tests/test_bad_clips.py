"""Clips that something is wrong with, from annotation to prediction: a policy each, and no NaN.

Cases: facts counted on the real files, and what a fresh extraction can get wrong.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from egomm.datasets.localization import LanguageQueries, MomentQueries
from egomm.registry import MODELS
from egomm.structures import EgoSample

ROOT = Path(__file__).resolve().parent.parent
SOURCES = dict(ego=dict(path='features/ego'), slow=dict(path='features/slow'))
TASKS = dict(moments='moment', nlq='query')


@pytest.fixture
def world(feature_world, tmp_path):
    shutil.copytree(feature_world, tmp_path / 'world')
    return tmp_path / 'world'


def edited(world, kind, edit):
    """Change the first training clip of a world."""
    path = world / f'annotations/{kind}_train.json'
    content = json.loads(path.read_text())
    (clip,) = content['videos'][0]['clips']
    edit(clip)
    path.write_text(json.dumps(content))
    return clip


def build(world, kind, **options):
    shared = dict(
        ann_file=f'annotations/{kind}_train.json', sources=SOURCES, data_root=str(world), **options
    )
    if kind == 'moments':
        return MomentQueries(classes='annotations/moment_classes.txt', **{'length': 32, **shared})
    return LanguageQueries(words=dict(num_tokens=64), **shared)


@pytest.fixture(scope='module')
def models():
    """A tiny localizer for moments and one for queries."""

    def tiny(name, words):
        model = Config.fromfile(ROOT / f'configs/toy/{name}.py').model
        sources = {
            source: dict(type='FeatureProjection', in_channels=width, out_channels=8)
            for source, width in (('ego', 16), ('slow', 24))
        }
        if words:
            sources['words'] = dict(type='TokenEmbedding', num_tokens=64, out_channels=8)
            model.neck.words.in_channels = 8
        model.backbones = sources
        model.neck.update(in_channels=dict(ego=8, slow=8), channels=16, levels=3, stem_blocks=1)
        for head in model.heads.values():
            head.update(in_channels=16, ranges=[(0, 4), (2, 8), (4, 10000)])
        return MODELS.build(model)

    return dict(moments=tiny('asl_mq', False), nlq=tiny('asl_nlq', True))


def assert_no_nan(model, samples):
    """One step of training and a prediction of a batch."""
    model.train().zero_grad()
    data = model.data_preprocessor(pseudo_collate(samples), training=True)
    loss, logged = model.parse_losses(model(**data, mode='loss'))
    loss.backward()
    assert all(torch.isfinite(value) for value in logged.values())
    for name, value in model.named_parameters():
        assert value.grad is None or torch.isfinite(value.grad).all(), name
    with torch.no_grad():
        answers = model.eval().test_step(pseudo_collate(samples))
    for answer in answers:
        for pred in answer.pred.values():
            assert torch.isfinite(pred['segments']).all()
            assert torch.isfinite(pred['scores']).all()


def relabel(*segments):
    """Give a clip of either kind these segments of its first label."""

    def edit(clip):
        (annotation,) = clip['annotations']
        if 'labels' in annotation:
            label = annotation['labels'][0]
            annotation['labels'] = [
                dict(label, start_time=start, end_time=end) for start, end in segments
            ]
        else:
            query = annotation['language_queries'][0]
            annotation['language_queries'] = [
                dict(query, clip_start_sec=start, clip_end_sec=end) for start, end in segments
            ]

    return edit


@pytest.mark.parametrize('kind', TASKS)
@pytest.mark.parametrize(
    'segments, counts, kept',
    [
        ([(3, 1e4)], dict(outside=1, empty=0), 1),  # past the end
        ([(-9, 1e4)], dict(outside=1, empty=0), 1),  # longer than the clip
        ([(1e4, 2e4)], dict(outside=1, empty=1), 0),  # nothing of it within
        ([(3, 3), (3, 9)], dict(outside=0, empty=1), 1),  # a window without length
    ],
)
def test_segments_that_do_not_fit_are_cut_or_dropped_and_counted(
    world, models, kind, segments, counts, kept
):
    clip = edited(world, kind, relabel(*segments))
    data = build(world, kind)
    assert counts.items() <= data.counts.items()
    rows = [record for record in data.records if record['clip_id'] == clip['clip_uid']]
    assert sum(len(record['gt'][TASKS[kind]]['segments']) for record in rows) == kept
    samples = [data[0], data[len(data) - 1]]
    assert_no_nan(models[kind], samples)


def test_a_repeated_moment_is_learnt_once_and_a_clip_without_any_is_background(world, models):
    edited(world, 'moments', relabel((3, 9), (3, 9)))
    data = build(world, 'moments')
    assert data.counts['repeated'] == 1
    assert len(data[0]['data_samples'].gt['moment']['segments']) == 1
    edited(world, 'moments', relabel())
    data = build(world, 'moments', crop=(0.5, 0.6))
    sample = data[0]
    assert sample['data_samples'].gt['moment']['segments'].shape == (0, 2)
    assert_no_nan(models['moments'], [sample, data[1]])
    assert_no_nan(models['moments'], [sample, sample])


@pytest.mark.parametrize('kind', TASKS)
@pytest.mark.parametrize('seconds', [0, -3, float('nan')])
def test_a_clip_that_lasts_no_time_is_refused(world, kind, seconds):
    edited(world, kind, lambda clip: clip.update(video_end_sec=clip['video_start_sec'] + seconds))
    words = "(a clip wants a duration above 0 s|'video_end_sec' wants a number); got"
    with pytest.raises(ValueError, match=f'clip_train_000: {words}'):
        build(world, kind)


@pytest.mark.parametrize('kind', TASKS)
def test_a_clip_shorter_than_one_window_works_with_what_it_has(world, models, kind):
    def edit(clip):
        clip['video_end_sec'] = clip['video_start_sec'] + 0.4
        relabel((0, 0.4))(clip)

    clip = edited(world, kind, edit)
    np.save(world / f'features/ego/{clip["clip_uid"]}.npy', np.ones((1, 16), np.float32))
    data = build(world, kind)
    # Of the video's features two positions look into the clip; they set the length.
    assert data[0]['inputs']['ego'].shape[1] == (32 if kind == 'moments' else 2)
    assert_no_nan(models[kind], [data[0], data[len(data) - 1]])
    assert_no_nan(models[kind], [data[0]])


@pytest.mark.parametrize('kind', TASKS)
@pytest.mark.parametrize(
    'change, words',
    [
        (lambda x: x[:0], r'\(N, 16\) with N >= 1 is expected; got \(0, 16\)'),
        (lambda x: x[:, :5], r'\(N, 16\) with N >= 1 is expected; got \(\d+, 5\)'),
        (lambda x: x[: len(x) // 2], r'positions cover .* s, but clip clip_train_000 lasts'),
        (lambda x: np.concatenate([x, x]), r'positions cover .* s, but clip clip_train_000 lasts'),
        (lambda x: x * np.nan, 'holds NaN or infinity'),
    ],
)
def test_features_of_another_length_or_dim_are_refused(world, kind, change, words):
    path = world / 'features/ego/clip_train_000.npy'
    np.save(path, change(np.load(path)))
    with pytest.raises(ValueError, match=words):
        build(world, kind)[0]


def test_a_query_without_text_is_left_out_and_the_others_keep_their_number(world, models):
    def edit(clip):
        relabel((3, 9), (4, 9))(clip)
        clip['annotations'][0]['language_queries'][0]['query'] = ' '

    edited(world, 'nlq', edit)
    data = build(world, 'nlq')
    assert data.counts['no_text'] == 1
    assert data.records[0]['query_index'] == 1
    assert_no_nan(models['nlq'], [data[0], data[1]])


@pytest.mark.parametrize('kind', TASKS)
def test_a_row_that_is_all_padding_predicts_and_teaches_nothing(feature_world, models, kind):
    real = build(feature_world, kind)[0]
    empty = dict(
        inputs={name: x[:, :0] for name, x in real['inputs'].items()},
        data_samples=EgoSample(metainfo=real['data_samples'].metainfo, gt={}),
    )
    assert_no_nan(models[kind], [real, empty])
    with torch.no_grad():
        _, answer = models[kind].eval().test_step(pseudo_collate([real, empty]))
    assert len(answer.pred[TASKS[kind]]['scores']) == 0
