"""The page of MIMO from its results file: contrasts between worlds, checks, what is missing."""

import json

import pytest

from egomm.testing import mimo_page
from egomm.testing.mimo_page import contrast
from egomm.testing.mimo_study import (
    BALANCED,
    CONFLICT,
    CONTRASTS,
    HALF,
    IMBALANCED,
    WIDTH,
    scores_by_row,
)
from egomm.testing.study_records import by_hand, merge_records, read_records


def run(world, row, seed, action, cosine=0.1):
    scores = dict(verb=50.0, noun=40.0, action=action)
    places = dict.fromkeys(('fused', 'shared'), cosine)
    return dict(
        kind='run', world=world.name, width=WIDTH, row=row, seed=seed, learning_rate=5e-3,
        parameters=1000, seconds=30.0, scores=dict(val=scores, test=scores),
        logged={f'conflict/verb-noun/{place}': value for place, value in places.items()},
    )  # fmt: skip


def world(level):
    clips, majority = dict(train=60, val=24, test=24), dict(verb=10.0, noun=8.0)
    return dict(kind='world', world=level.name, clips=clips, majority=majority)


SITTING = dict(
    kind='sitting', began='2020-01-01 10:00', minutes=6.0, processes=2, what='rows', machine='One.'
)


def test_lines_replace_those_about_the_same_and_the_page_follows_from_the_file(tmp_path):
    path = tmp_path / 'study.jsonl'
    first = [world(HALF), SITTING, *(run(HALF, 'concat', seed, 20.0 + seed) for seed in range(3))]
    merge_records(path, first)
    merge_records(path, [run(HALF, 'concat', 1, 30.0), run(HALF, 'query', 0, 40.0)])
    records = read_records(path)
    assert len(records) == 6
    actions = {(r['row'], r['seed']): r['scores']['test']['action'] for r in records if 'row' in r}
    assert actions == {('concat', 0): 20, ('concat', 1): 30, ('concat', 2): 22, ('query', 0): 40}
    page = mimo_page.mimo_page(records, path.name)
    assert page == mimo_page.mimo_page(records[::-1], path.name)
    assert 'with a line in `study.jsonl`' in page
    assert '* 2020-01-01 10:00, 6 min in 2 processes: rows\n' in page
    assert 'Together 12 minutes of a process; training the runs below took 2 minutes' in page
    assert '### Conflict 0.5, encoders of 32 channels' in page
    assert '| query |' not in page  # a single seed has no interval
    assert '* conflict 0.5, 32 channels: all but query, query-1token,' in page
    assert '* conflict 0, balance 1, 8 channels: nothing yet\n' in page
    assert '### Between worlds' not in page


def test_runs_at_another_learning_rate_go_when_their_row_runs_again(tmp_path):
    path = tmp_path / 'study.jsonl'
    old = [run(HALF, row, seed, 20.0) for row in ('concat', 'query') for seed in range(3)]
    merge_records(path, old)
    merge_records(
        path, [dict(run(HALF, 'concat', seed, 30.0), learning_rate=0.1) for seed in (0, 1)]
    )
    records = read_records(path)
    assert [(r['row'], r['seed'], r['learning_rate']) for r in records] == [
        *(('query', seed, 5e-3) for seed in range(3)), ('concat', 0, 0.1), ('concat', 1, 0.1)
    ]  # fmt: skip


def test_a_broken_line_of_the_results_is_named(tmp_path):
    path = tmp_path / 'study.jsonl'
    path.write_text('{"kind": "world", "world": "a"}\n<<<<<<< HEAD\n', encoding='utf-8')
    with pytest.raises(ValueError, match=r'study\.jsonl, line 2: JSON is expected, but .* Repair'):
        merge_records(path, [])


def test_what_was_added_by_hand_is_told_from_the_rest(tmp_path):
    page = tmp_path / 'study.md'
    assert by_hand(page) == ''
    page.write_text('# Page\n\nAdded by hand\n', encoding='utf-8')
    assert by_hand(page) == ''
    text = '\n## Added by hand: why\n\nSo.\n\n## Added by hand: when\n\nNow.\n'
    page.write_text('# Page\n' + text, encoding='utf-8')
    assert by_hand(page) == text


@pytest.mark.parametrize('gain, verdict', [(3.0, 'confirmed'), (-3.0, 'refuted')])
def test_a_lead_in_one_world_is_compared_with_the_lead_in_another(gain, verdict):
    claim = next(c for c in CONTRASTS if (c.second, c.more) == ('query-uni', IMBALANCED))
    runs = {
        level: [
            run(level, row, seed, base + seed * slope)
            for row, base, slope in (('query-uni', 40.0, 2.0), ('query-aa', 40.0 + lead, 2.1))
            for seed in range(seeds)
        ]
        for level, lead, seeds in ((IMBALANCED, gain, 4), (BALANCED, 0.0, 3))
    }
    tables = {(level, WIDTH): scores_by_row(chosen) for level, chosen in runs.items()}
    found = contrast(claim, tables)
    assert found.count == 3  # seeds that all four rows have
    assert found.mean == pytest.approx(gain)
    line = next(x for x in mimo_page.contrasts_table(tables).splitlines() if 'unimodal' in x)
    assert line.startswith(
        '| Imbalance raises what allocating gains beyond its unimodal losses: (query-aa - '
        f'query-uni, conflict 0) - (the same, conflict 0, balance 1) | action | {gain:+.2f} |'
    )
    assert line.endswith(f'| 3 | **{verdict}** |')
    assert contrast(claim, {(IMBALANCED, WIDTH): tables[IMBALANCED, WIDTH]}) is None


@pytest.mark.parametrize(
    'cosines, verdict',
    [((0.3, 0.1, -0.2), 'yes'), ((0.1, 0.1, 0.0), 'not shown'), ((0.1, 0.2, -0.5), 'no')],
)
def test_conflict_has_to_lower_the_cosine_at_every_step(cosines, verdict):
    runs = [
        run(level, 'concat', seed, 20.0, cosine + 0.01 * seed + 0.001 * (seed * place % 2))
        for place, (level, cosine) in enumerate(zip((IMBALANCED, HALF, CONFLICT), cosines))
        for seed in range(3)
    ]
    line = next(
        x for x in mimo_page.conflict_check(runs).splitlines() if x.startswith('| concat, fused')
    )
    assert line.endswith(f'| **{verdict}** |')
    assert not mimo_page.conflict_check(runs[:6])  # a level is missing


def test_modalities_are_set_against_what_was_asked():
    scores = {
        'concat-audio-only': {0: dict(verb=44.0, noun=27.0), 1: dict(verb=45.0, noun=28.5)},
        'concat-flow-only': {0: dict(verb=47.0, noun=15.0), 1: dict(verb=48.0, noun=15.0)},
    }
    text = mimo_page.calibration(scores)
    assert '| audio | 45 | 44.5 | 25 | 27.8 | yes |' in text
    assert '| flow | 65 | 47.5 | 15 | 15.0 | **no** |' in text
    assert '| rgb' not in text
    assert json.dumps(mimo_page.calibration({})) == '""'
