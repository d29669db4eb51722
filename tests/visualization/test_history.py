import json

import pytest

from egomm.visualization.history import (
    attention_shares,
    learning,
    read_history,
    task_conflict,
    unimodal,
)

TASKS = ('verb', 'noun')


@pytest.fixture
def history(tmp_path):
    """Write rows of one run after the other and read them."""

    def read(*runs):
        for number, rows in enumerate(runs):
            folder = tmp_path / f'20260101_{number}' / 'vis_data'
            folder.mkdir(parents=True)
            (folder / 'scalars.json').write_text('\n'.join(map(json.dumps, rows)))
        return read_history(tmp_path)

    return read


def test_curves_of_a_resumed_run_hold_each_step_once(history):
    first = [dict(loss=3.0, step=10, epoch=1), dict(loss=2.0, step=20, epoch=1)]
    second = [
        dict(loss=2.5, step=20, epoch=1),
        {'epic100/all_verb_accuracy_at_1': 40.0, 'step': 2},
    ]
    loss, validation = learning(history(first, second), TASKS).values()
    assert loss == dict(loss=[(10, 3.0), (20, 2.5)])
    assert validation == dict(verb=[(2, 40.0)])


def test_what_parts_log_is_found_by_task_and_modality_whatever_the_part_is_called(history):
    row = {
        'loss': 1.0,
        'step': 5,
        'mine/verb_rgb_share': 0.4,
        'mine/verb_audio_share': 0.1,
        'alone/noun_rgb_entropy': 0.9,
        'alone/noun_rgb_top1': 30.0,
    }
    logged = history([row])
    assert attention_shares(logged, TASKS, ['rgb', 'audio']) == {
        'share of attention of verb, by step': dict(rgb=[(5, 0.4)], audio=[(5, 0.1)])
    }
    assert list(unimodal(logged, TASKS, ['rgb', 'audio']).values()) == [
        dict(rgb=[(5, 0.9)]),
        dict(rgb=[(5, 30.0)]),
    ]


def test_many_points_of_single_batches_become_means_of_neighbours(history):
    rows = [{'loss': 1.0, 'step': step, 'a/verb_rgb_share': step / 100} for step in range(41)]
    [panel] = attention_shares(history(rows), TASKS, ['rgb']).values()
    assert len(panel['rgb']) == 14  # 41 points by threes
    assert panel['rgb'][0] == (1, pytest.approx(0.01))
    assert panel['rgb'][-1] == (39.5, pytest.approx(0.395))


def test_conflict_has_a_panel_for_parameters_features_and_distances(history):
    logged = history(
        [
            {
                'conflict/verb-noun/encoder_rgb': -0.1,
                'conflict/verb-noun/fused': 0.2,
                'distance/verb-noun/fused_same_verb': 0.9,
                'step': 1,
            }
        ]
    )
    assert task_conflict(logged) == {
        'verb-noun: cosine of gradients on parameters, by epoch': {'encoder rgb': [(1, -0.1)]},
        'verb-noun: cosine of gradients on features, by epoch': {'fused': [(1, 0.2)]},
        'verb-noun: distance in a feature / of any two clips, by epoch': {
            'same verb, in fused': [(1, 0.9)]
        },
    }


def test_a_folder_without_logs_has_no_panels(tmp_path):
    logged = read_history(tmp_path)
    assert learning(logged, TASKS) == attention_shares(logged, TASKS, ['rgb']) == {}
    assert unimodal(logged, TASKS, ['rgb']) == task_conflict(logged) == {}
