"""Repeated runs on cached tokens, and the page they leave; on random tokens that tell the class."""

from pathlib import Path

import pytest
import torch

from egomm.datasets.token_writer import TokenWriter
from egomm.structures import EgoSample
from egomm.testing import mimo_study, study
from egomm.testing.claims import Claim, verdict
from egomm.testing.mimo_runs import MIMO, MODALITIES
from egomm.testing.statistics import estimate
from egomm.testing.study import Row, Setting, keep_list, run, study_config
from egomm.testing.study_page import world_section

CONFIGS = Path(__file__).resolve().parents[2] / 'configs/toy'


def write_split(folder, clips, people):
    """Tokens whose mean is the class: the verb's in flow, the noun's in RGB."""
    generator = torch.Generator().manual_seed(len(folder.name))
    gt = [dict(verb=i % 3, noun=(i // 3) % 4) for i in range(clips)]
    base = torch.randn(4, 96, generator=torch.Generator().manual_seed(9))
    tokens = {
        name: 0.3 * torch.randn(clips, 96, 1, 2, 2, generator=generator) for name in MODALITIES
    }
    for index, labels in enumerate(gt):
        tokens['flow'][index] += base[labels['verb'], :, None, None, None]
        tokens['rgb'][index] += base[labels['noun'], :, None, None, None]
    writer = TokenWriter(
        folder,
        dict(dtype='float32', shapes={name: [96, 1, 2, 2] for name in MODALITIES}),
        dict(clips=clips, metainfo={}),
    )
    writer.start()
    writer.write(
        tokens,
        {name: [True] * clips for name in MODALITIES},
        [
            EgoSample(
                metainfo=dict(
                    narration_id=f'{folder.name}_{i}', participant_id=people[i % len(people)]
                ),
                gt=gt[i],
            )
            for i in range(clips)
        ],
    )


@pytest.fixture(scope='module')
def setting(tmp_path_factory):
    root = tmp_path_factory.mktemp('study')
    write_split(root / 'tokens/train', 60, ['P1', 'P2', 'P3', 'P4', 'P5', 'P6'])
    write_split(root / 'tokens/val', 24, ['P7', 'P8'])
    write_split(root / 'tokens/test', 24, ['P9'])
    return Setting(MIMO, CONFIGS, root / 'tokens', root / 'out', width=16, epochs=16, batch_size=16)


def test_a_row_learns_is_scored_and_is_not_run_twice(setting, monkeypatch):
    row = Row('query', 'query')
    first = run(row, setting, 2e-2, 0, ('val', 'test'), keep_readout=True)
    assert first['scores']['test']['action'] > 60
    assert first['reallocated']['scores']['test'].keys() == {'verb', 'noun', 'action'}
    assert any(name.startswith('conflict/') for name in first['logged'])
    monkeypatch.setattr(study, 'train', None)  # would fail if it was called
    assert run(row, setting, 2e-2, 0, ('val', 'test'), keep_readout=True) == first


@pytest.mark.parametrize('row', [*mimo_study.ROWS, *mimo_study.CONTROLS], ids=lambda row: row.name)
def test_every_row_has_a_config_of_the_width_of_the_study(setting, row):
    if not (CONFIGS / f'mimo_{row.config}.py').is_file():
        pytest.fail(f'no config for {row.name}')
    config = study_config(row, setting, 1e-3, seed=1)
    from egomm.registry import MODELS

    model = MODELS.build(config.model)
    inputs = {name: torch.randn(2, 96, 1, 2, 2) for name in row.modalities or MODALITIES}
    batch = dict(
        inputs={name: list(x) for name, x in inputs.items()},
        present={name: [True, True] for name in inputs},
        data_samples=[EgoSample(gt=dict(verb=0, noun=1)) for _ in range(2)],
    )
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    assert all(torch.isfinite(value) for value in losses.values())
    widest = max(value.shape[0] for value in model.backbones.parameters())
    assert widest == setting.hidden


def test_seeds_leave_out_other_participants_and_rows_of_a_seed_the_same(setting):
    lists = [keep_list(setting, seed).read_text() for seed in range(5)]
    assert len(set(lists)) == 5
    left = [set(text.split()) for text in lists]
    assert set().union(*left) == {f'train_{i}' for i in range(60)}
    assert all(len(names) in (40, 50) for names in left)
    first = study_config(Row('a', 'query'), setting, 1e-3, 2)
    second = study_config(Row('b', 'concat'), setting, 3e-3, 2)
    assert first.train_dataloader == second.train_dataloader
    assert first.randomness == second.randomness


def result(row, seed, action, **extra):
    scores = dict(verb=50.0, noun=40.0, action=action)
    logged = {'conflict/verb-noun/fused': -0.1}
    return dict(
        row=row, seed=seed, learning_rate=1e-3, parameters=1000, seconds=2.0, logged=logged,
        scores=dict(val=scores, test=scores), **extra,
    )  # fmt: skip


def test_the_page_states_rows_differences_and_verdicts():
    cross = dict.fromkeys(('plain', 'held_out', 'in_sample'), dict(action=30.0))
    again = dict(cross, scores=dict(test=dict(verb=50.0, noun=40.0, action=31.0)))
    results = [
        result(row, seed, base + seed, **({'reallocated': again} if 'query' == row else {}))
        for row, base in (('concat', 20.0), ('query', 25.0), ('query-1token', 25.5))
        for seed in range(3)
    ]
    rates = dict.fromkeys(('concat', 'query', 'query-1token'), 1.5e-3)
    page = world_section(
        mimo_study.study_world(mimo_study.World(1.0)),
        32,
        dict(train=60, val=24, test=24),
        dict(verb=10.0, noun=8.0),
        results,
        rates,
    )
    assert '| concat | 52.12 / 36.37 / 24.47 | 50.0 ± 0.0 | 40.0 ± 0.0 | 21.0 ± 2.5 |' in page
    line = next(line for line in page.splitlines() if 'query - concat |' in line)
    assert '| action | +3.34 | +5.00 | +5.00 .. +5.00 |' in line
    assert line.endswith('**confirmed** |')
    assert next(line for line in page.splitlines() if '1token |' in line and 'token a task' in line)
    assert '| query-ar |' in page
    assert 'an end for' not in page
    assert 'does not hold the conflict' not in page


def test_the_page_says_what_its_numbers_cannot_carry():
    runs = [result('concat', seed, 20.0 + seed) for seed in range(2)]
    for run_ in runs:
        run_['logged'] = {'conflict/verb-noun/fused': 0.1}
    page = world_section(
        mimo_study.study_world(mimo_study.World(1.0)),
        32,
        dict(train=60, val=24, test=24),
        dict(verb=10.0, noun=8.0),
        runs,
        dict(concat=0.405),
    )
    assert 'the best was at an end for every row: a better one may lie beyond it' in page
    assert 'mean cosine +0.10): this world does not hold the conflict of tasks' in page


@pytest.mark.parametrize(
    'values, effect, wins, does_not',
    [
        ([1.0, 1.2, 0.9], 3.0, 'confirmed', 'refuted'),
        ([0.1, 0.12, 0.11], 3.0, 'confirmed', 'refuted'),  # above 0, however little
        ([-1.0, -1.2, -0.9], 3.0, 'refuted', 'confirmed'),
        ([0.1, -0.1, 0.05], 3.0, 'refuted', 'confirmed'),
        ([0.1, -0.1, 0.05], None, 'undecided', 'undecided'),
        ([5.0, -5.0, 1.0], 3.0, 'undecided', 'undecided'),
    ],
)
def test_a_claim_is_judged_by_the_rule_written_before(values, effect, wins, does_not):
    assert verdict(estimate(values), Claim('', 'a', 'b', effect)) == wins
    assert verdict(estimate(values), Claim('', 'a', 'b', effect, wins=False)) == does_not
