"""The page of the ASL study, from results that were made up."""

import numpy as np

from egomm.testing.asl_page import asl_page, collapsed, overview, world_section
from egomm.testing.asl_study import LEARNING_RATES, ROWS, WORLDS, World
from egomm.testing.timeline import TimelineSpec, draw_cores

FLAT = World('flat', 0.3)
MIXED = World('mixed', 0.3)


def facts_of(world):
    """What the results file tells of a world."""
    cores = draw_cores(TimelineSpec(core=world.core))
    centres = [None if core.kind == 'flat' else 0.5 - core.position for core in cores]
    return dict(kind='world', world=world.name, centres=centres)


def fake(world, row, seed, score, **more):
    metrics = {'ego4d_mq/average_mAP': score / 100, 'ego4d_mq/recall_1x_at_0.5': 0.5}
    return dict(
        kind='run',
        world=world.name,
        row=row,
        seed=seed,
        learning_rate=4 * LEARNING_RATES[-1],
        parameters=1000,
        seconds=12.0,
        scores=dict(val=metrics, test=metrics),
        **more,
    )


def fake_runs(world, lowest=0.7):
    true = np.array(facts_of(world)['centres'], dtype=float)
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
                fake(world, row.name, seed, score + 0.1 * seed * (row.name == 'learned'), **more)
            )
    return results


def test_the_page_gives_verdicts_intervals_and_limits():
    page = world_section(MIXED, fake_runs(MIXED), facts_of(MIXED))
    assert '### Moments, generated features, core mixed, boundary noise 0.3' in page
    assert '| ASL beats equal weights: learned - base | average mAP | +2.13 | +3.10 |' in page
    assert page.count('**confirmed**') == 6  # four of CLAIMS and two correlations
    assert 'a better one may lie beyond it' in page
    assert 'A mu at the core would be -0.0' in page
    assert 'collapsed' not in page


def test_the_page_flags_a_collapse_and_turns_claims_round_where_cores_are_flat():
    page = world_section(FLAT, fake_runs(FLAT, lowest=0.1), facts_of(FLAT))
    assert page.count('**collapsed**') == 4
    assert (
        '| ASL does not beat equal weights: learned - base | average mAP | +2.13 | +3.10 |' in page
    )
    assert page.count('**refuted**') == 3


def test_worlds_stand_beside_each_other():
    """Of three seeds learned is 3, 3.1 and 3.2 above base: +3.1, ± 4.30 * 0.1 / sqrt(3)."""
    text = overview({MIXED: fake_runs(MIXED)})
    assert (
        '| Moments, generated features, core mixed, boundary noise 0.3 | 61 % | '
        '+3.10 (+2.85 .. +3.35) | +3.10 (+2.85 .. +3.35) | +1.00 (+1.00 .. +1.00) |'
    ) in text


def test_a_collapse_is_a_mean_below_a_fifth():
    assert not collapsed([dict(h=dict(lowest=0.2))])
    assert collapsed([dict(h=dict(lowest=0.19))])


def test_the_page_follows_from_the_results_and_says_what_is_missing():
    sitting = dict(
        kind='sitting', began='2020-01-01 10:00', minutes=6.0, processes=2, what='all',
        machine='One abacus.',
    )  # fmt: skip
    records = [sitting]
    for world in (FLAT, MIXED):
        records += [facts_of(world), *fake_runs(world)]
    text = asl_page(records, 'study.jsonl')
    assert text == asl_page(records[::-1], 'study.jsonl')
    assert 'with a line in `study.jsonl` for every run' in text
    assert all(f'* `{row.name}`: ' in text for row in ROWS)
    assert 'One abacus.\n\n* 2020-01-01 10:00, 6 min in 2 processes: all\n' in text
    assert 'Not run: Moments, generated features, core centre, boundary noise 0.3; ' in text
    headings = [line for line in text.splitlines() if line.startswith('### ')]
    assert len(headings) == 2 + 2
    known = [world for world in WORLDS if world in (FLAT, MIXED)]
    assert [f'core {world.core},' in heading for world, heading in zip(known, headings[2:])] == [
        True,
        True,
    ]
