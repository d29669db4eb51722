"""The page of the ASL study, from results that were made up."""

import json
from pathlib import Path

import numpy as np
import pytest

from egomm.testing.asl_page import collapsed, head, overview, world_section
from egomm.testing.asl_runs import Setting, true_centres
from egomm.testing.asl_study import LEARNING_RATES, ROWS, World
from egomm.testing.timeline import TimelineSpec, draw_cores


@pytest.fixture
def setting_of(tmp_path):
    """Setting of a world with a core, of which only the truth about cores exists."""

    def make(core):
        cores = {
            f'class {n}': row._asdict() for n, row in enumerate(draw_cores(TimelineSpec(core=core)))
        }
        (tmp_path / 'truth').mkdir()
        (tmp_path / 'truth/cores.json').write_text(json.dumps(cores))
        places = dict.fromkeys(('configs', 'features', 'out'), Path())
        size = dict(dim=8, epochs=2, batch_size=4)
        return Setting(world=World(core, 0.3), data=tmp_path, **places, **size)

    return make


def fake(row, seed, score, rate=3e-3, **more):
    metrics = {'ego4d_mq/average_mAP': score / 100, 'ego4d_mq/recall_1x_at_0.5': 0.5}
    return dict(
        row=row,
        seed=seed,
        learning_rate=rate,
        parameters=1000,
        seconds=12.0,
        scores=dict(val=metrics, test=metrics),
        **more,
    )


def fake_world(setting, lowest=0.7):
    true = true_centres(setting)
    mu = np.where(np.isnan(true), 0, true)
    results = []
    for seed in range(3):
        for row, score in zip(ROWS, (60, 63, 61, 60, 60), strict=True):
            more = {}
            if row.name != 'base':
                more['h'] = dict(mean=0.8, lowest=lowest, ends=0.9)
            if row.name in ('fixed', 'learned', 'mean-one'):
                noise = 0.01 * np.random.default_rng(seed).normal(size=12)
                more.update(mu=(mu + noise).tolist(), sigma=[1.0] * 12)
            results.append(
                fake(row.name, seed, score + 0.1 * seed * (row.name == 'learned'), **more)
            )
    return dict(
        setting=setting, rates={row.name: LEARNING_RATES[-1] for row in ROWS}, results=results
    )


def test_the_page_gives_verdicts_intervals_and_limits(setting_of):
    page = world_section(fake_world(setting_of('mixed')))
    assert '### Moments, generated features, core mixed, boundary noise 0.3' in page
    assert '| ASL beats equal weights: learned - base | average mAP | +2.13 | +3.10 |' in page
    assert page.count('**confirmed**') == 6  # four of CLAIMS and two correlations
    assert 'a better one may lie beyond it' in page
    assert 'A mu at the core would be -0.0' in page
    assert 'collapsed' not in page


def test_the_page_flags_a_collapse_and_turns_claims_round_where_cores_are_flat(setting_of):
    page = world_section(fake_world(setting_of('flat'), lowest=0.1))
    assert page.count('**collapsed**') == 4
    assert (
        '| ASL does not beat equal weights: learned - base | average mAP | +2.13 | +3.10 |' in page
    )
    assert page.count('**refuted**') == 3


def test_worlds_stand_beside_each_other(setting_of):
    """Of three seeds learned is 3, 3.1 and 3.2 above base: +3.1, ± 4.30 * 0.1 / sqrt(3)."""
    text = overview([fake_world(setting_of('mixed'))])
    assert (
        '| Moments, generated features, core mixed, boundary noise 0.3 | 61 % | '
        '+3.10 (+2.85 .. +3.35) | +3.10 (+2.85 .. +3.35) | +1.00 (+1.00 .. +1.00) |'
    ) in text


def test_a_collapse_is_a_mean_below_a_fifth():
    assert not collapsed([dict(h=dict(lowest=0.2))])
    assert collapsed([dict(h=dict(lowest=0.19))])


def test_the_head_tells_rows_and_rules(setting_of):
    text = head(5, setting_of('mixed'), 'One abacus.')
    assert all(f'* `{row.name}`: ' in text for row in ROWS)
    assert 'One abacus.' in text
    assert '--seeds 5' in text
