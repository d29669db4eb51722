"""Rows, claims and page of the multi-task study; a run on random maps that tell the class."""

import dataclasses
import runpy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from egomm.datasets.token_writer import TokenWriter
from egomm.registry import MODELS
from egomm.structures import EgoSample
from egomm.testing import mimo_study, multitask_study
from egomm.testing.claims import Claim, wanting_seeds
from egomm.testing.multitask_page import multitask_section
from egomm.testing.multitask_study import (
    CLAIMS,
    MULTITASK,
    NARROW,
    ROWS,
    TABLE_1,
    TABLE_2,
    study_world,
)
from egomm.testing.spec import PRESETS
from egomm.testing.study import Setting, run, study_config

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / 'configs/toy'
TASKS = dict(a='action', v='verb', n='noun', h='hands', g='gaze')
BY_NAME = {row.name: row for row in ROWS}


def labels(index):
    points = torch.rand(4, 3, 3, generator=torch.Generator().manual_seed(index)) * 1.8 - 0.9
    points[..., 2] = 1
    hands, gaze = points[:, :2].tolist(), points[:, 2:].tolist()
    gt = dict(action=index % 6, verb=index % 2, noun=index % 3, hands=hands, gaze=gaze)
    return gt | dict(hands_other=hands, gaze_other=gaze, gaze_away=gaze)


def write_split(folder, clips):
    maps = torch.randn(clips, 64, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    base = torch.randn(6, 64, generator=torch.Generator().manual_seed(9))
    maps += base[torch.arange(clips) % 6, :, None, None, None]
    writer = TokenWriter(
        folder, dict(dtype='float16', shapes={'rgb': [64, 4, 8, 8]}), dict(clips=clips, metainfo={})
    )
    writer.start()
    samples = [
        EgoSample(
            metainfo=dict(narration_id=f'{folder.name}_{i}', participant_id=f'P{i % 5}'),
            gt=labels(i),
        )
        for i in range(clips)
    ]
    writer.write({'rgb': maps}, {'rgb': [True] * clips}, samples)


@pytest.fixture(scope='module')
def setting(tmp_path_factory):
    root = tmp_path_factory.mktemp('study')
    for split, clips in (('train', 40), ('val', 12), ('test', 12)):
        write_split(root / 'tokens' / split, clips)
    return Setting(
        MULTITASK, CONFIGS, root / 'tokens', root / 'out', width=16, epochs=6, batch_size=8
    )


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row.name)
def test_every_row_has_the_tasks_of_its_name_at_its_width(setting, row):
    config = study_config(row, setting, 1e-3, seed=1)
    wanted = {row.labels.get(TASKS[letter], TASKS[letter]) for letter in row.config}
    assert set(config.model.heads) == wanted
    model = MODELS.build(config.model)
    width = NARROW if row.name.endswith('narrow') else 16
    assert all(len(value) == width for value in model.backbones.parameters())
    batch = dict(
        inputs=dict(rgb=[torch.randn(64, 4, 8, 8)] * 2),
        present=dict(rgb=[True, True]),
        data_samples=[EgoSample(gt=labels(index)) for index in range(2)],
    )
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    assert {name.split('/')[0] for name in losses} == wanted
    assert all(torch.isfinite(value) for value in losses.values())


def test_a_row_learns_and_points_are_scored_against_the_true_ones(setting):
    often = {'default_hooks.task_gradients.interval': 4}
    row = dataclasses.replace(BY_NAME['agh-other'], changes=often)
    result = run(row, setting, 3e-2, 0, ('val', 'test'))
    scores = result['scores']['test']
    assert scores.keys() == {'action', 'action_classes', 'hands', 'gaze'}
    assert scores['action'] > 60
    assert 0 < scores['hands'] < 64
    assert any(name.endswith('_cosine') for name in result['logged'])


def test_both_tables_of_the_paper_are_there_with_fifteen_rows():
    assert [len(TABLE_1), len(TABLE_2)] == [6, 9]
    assert {row.name for row in (*TABLE_1, *TABLE_2)} < set(BY_NAME)


@pytest.mark.parametrize('claim', CLAIMS, ids=lambda claim: claim.text)
def test_a_claim_compares_rows_that_have_its_score(claim):
    letter = {'action': 'a', 'verb': 'v'}[claim.score]
    assert letter in BY_NAME[claim.first].config
    assert letter in BY_NAME[claim.second].config


def test_the_page_states_tables_claims_gradients_and_unknown_pairs():
    def result(row, seed, **scores):
        logged = {'tasks/action_gaze_cosine': -0.25} if row == 'ag' else {}
        return dict(
            row=row, seed=seed, learning_rate=1e-2, parameters=1000, seconds=5.0, logged=logged,
            scores=dict(val=scores, test=scores),
        )  # fmt: skip

    results = []
    for seed in range(3):
        results += [
            result('a', seed, action=30.0 + seed, action_classes=28.0),
            result('ag', seed, action=33.0 + seed, action_classes=29.0, gaze=7.0),
            result('ag-other', seed, action=30.0 + 2 * seed, action_classes=29.0, gaze=11.0),
        ]
    clip = dict(action=1, verb=0, noun=2)
    tables = dict(train=[clip] * 9, val=[clip], test=[clip, clip, dict(verb=1, noun=2)])
    rates = dict.fromkeys(('a', 'ag', 'ag-other'), 1.5e-2)
    page = multitask_section(study_world(), tables, results, rates)
    assert page.count('| a | ') == 2  # in both tables
    assert '| ag | 66.59 / 59.44 | 34.0 ± 2.5 | 29.0 ± 0.0 |  |  |  | 7.0 ± 0.0 | 3 |' in page
    line = next(line for line in page.splitlines() if 'Gaze helps the action: ag - a' in line)
    assert '| action | +2.84 | +3.00 | +3.00 .. +3.00 | 0.00 | **confirmed** |' in line
    assert '**undecided**' in next(x for x in page.splitlines() if 'of another clip helps' in x)
    assert '* ag: action_gaze -0.25' in page
    assert '1 test clips show a pair' in page
    assert 'an end' not in page
    assert 'more seeds' not in page


def test_the_page_says_where_more_seeds_are_wanted():
    claim = Claim('', 'ah', 'a', 3.0)
    scores = {name: {0: dict(action=low), 1: dict(action=40.0)} for name, low in
              (('ah', 41.0), ('a', 38.0))}  # fmt: skip
    assert 'for ah - a: more seeds are wanted' in wanting_seeds([claim], scores)
    assert wanting_seeds([dataclasses.replace(claim, effect=None)], scores) == ''
    assert wanting_seeds([dataclasses.replace(claim, first='other')], scores) == ''


@pytest.mark.long
def test_one_command_makes_the_page_and_again_from_what_is_there(tmp_path, monkeypatch):
    """A small world, its maps, tuning, two rows with two seeds; the encoders are untrained."""
    with DefaultScope.overwrite_default_scope('egomm'):
        model = MODELS.build(Config.fromfile(CONFIGS / 'mimo_encoders.py').model)
    checkpoint = tmp_path / 'encoders.pth'
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    monkeypatch.setattr(mimo_study, 'train_encoders', lambda *args: checkpoint)
    world = dataclasses.replace(PRESETS['quick'].with_videos(9), videos_per_participant=1)
    monkeypatch.setattr(multitask_study, 'study_world', lambda: world)
    monkeypatch.setattr(multitask_study, 'ROWS', (BY_NAME['a'], BY_NAME['ag']))
    monkeypatch.setattr(multitask_study, 'LEARNING_RATES', (3e-2,))
    monkeypatch.setattr(multitask_study, 'EPOCHS', 2)
    tool = runpy.run_path(str(ROOT / 'tools/study.py'), run_name='study')
    options = ['multitask', '--seeds', '2', '--processes', '1']
    options += ['--data', str(tmp_path / 'data'), '--out', str(tmp_path / 'out')]
    tool['main'](options)
    path = tmp_path / 'out/multitask/study.md'
    page = path.read_text(encoding='utf-8')
    for words in (
        'Made by `python tools/study.py multitask --seeds 2`',
        '### Table 2 of the paper',
        '| ag | 66.59 / 59.44 |',
        'Gaze helps the action: ag - a',
    ):
        assert words in page
    results = {file: file.stat().st_mtime_ns for file in tmp_path.rglob('*.json')}
    tool['main'](options)
    assert path.read_text(encoding='utf-8') == page
    assert results == {file: file.stat().st_mtime_ns for file in tmp_path.rglob('*.json')}
