"""Tables of evaluated sets, by hand."""

import numpy as np
import pytest

from egomm.apis.blind_queries import above_fixed_window, fixed_window
from egomm.apis.evaluated import evaluated_clips, evaluated_moments, evaluated_queries


def query(clip, index, window, duration=100.0):
    return dict(
        **dict(clip_id=clip, annotation_id=clip, query_index=index, query='When did I cut?'),
        **dict(video_id=clip, duration=duration, window=list(window)),
    )


TRAIN = [query('a', number, (40 + number, 60 + number)) for number in range(3)]
ASKED = [query(f'c{number}', 0, (10 * number, 10 * number + 8)) for number in range(10)]
KEYS = [(f'c{number}', f'c{number}', 0) for number in range(10)]


def test_the_fixed_window_is_right_for_most_of_the_training():
    start, end = fixed_window(TRAIN).tolist()
    for record in TRAIN:
        low, high = (second / 100 for second in record['window'])
        overlap = min(end, high) - max(start, low)
        assert overlap / (max(end, high) - min(start, low)) > 0.5


def test_a_localizer_is_above_the_fixed_window_or_not():
    answers = {key: [record['window']] for key, record in zip(KEYS, ASKED, strict=True)}
    perfect = above_fixed_window(TRAIN, ASKED, answers)
    assert (perfect['recall'], perfect['queries'], perfect['clips']) == (1.0, 10, 10)
    assert perfect['interval'] == (1.0, 1.0)
    assert perfect['fixed'] == pytest.approx(0.1, abs=0.1)
    assert perfect['difference'] == pytest.approx(1 - perfect['fixed'])
    assert perfect['above']
    # Windows are 10 s apart and 8 s long: a fixed one is right for one of ten, or two at most.
    assert 0.1 <= perfect['any_fixed'] <= 0.2
    assert perfect['any_fixed'] >= perfect['fixed']
    window = [100 * share for share in perfect['window']]
    same = above_fixed_window(TRAIN, ASKED, dict.fromkeys(KEYS, [window]))
    assert same['recall'] == same['fixed']
    assert same['difference_interval'] == (0.0, 0.0)
    assert not same['above']
    none = above_fixed_window(TRAIN, ASKED, {})
    assert none['recall'] == 0.0


def test_queries_have_scores_a_table_and_the_fixed_window():
    answers = {key: [record['window']] for key, record in zip(KEYS[:5], ASKED[:5], strict=True)}
    evaluated = evaluated_queries(ASKED, answers, TRAIN)
    assert evaluated.metrics['questions: R@1 at IoU 0.5 %'] == 50.0
    assert evaluated.metrics['questions'] == 10
    assert evaluated.metrics['questions: R@1 at IoU 0.5, 95 % over clips'].count('to') == 1
    assert 'fixed' not in ' '.join(evaluated_queries(ASKED, answers).metrics)
    (table,) = evaluated.tables
    assert table.columns == ('length', 'right', 'ends wrong', 'elsewhere')
    assert table.rows == [('5-10 s (10)', 50.0, 0.0, 50.0)]


def test_moments_have_a_table_by_class():
    rows = [dict(label='cut', start_time=0.0, end_time=4.0)] * 1
    rows += [dict(label='wash', start_time=5.0 * k, end_time=5.0 * k + 4) for k in (1, 2)]
    record = dict(clip_id='c', duration=20.0, annotations=rows)
    found = {'c': [dict(label='cut', score=0.9, segment=[0.0, 4.0])]}
    evaluated = evaluated_moments([record], found)
    assert evaluated.metrics['moments: average mAP %'] == pytest.approx(50.0)
    by_class, by_length = evaluated.tables
    assert by_class.rows == [('wash', 2, 0.0), ('cut', 1, 100.0)]
    assert by_length.rows[0][0] == '2-5 s (3)'


def test_clips_have_matrices_and_recall_and_precision():
    def sample(verb, noun, true_verb, true_noun):
        logits = dict(verb=np.eye(3)[verb], noun=np.eye(2)[noun])
        return dict(pred=logits, gt=dict(verb=true_verb, noun=true_noun))

    samples = [sample(0, 0, 0, 0), sample(1, 0, 0, 1), sample(1, 1, 1, 1), sample(0, 1, 0, 1)]
    evaluated = evaluated_clips(samples, dict(verb=['take', 'put', 'cut']))
    assert evaluated.metrics['clips: verb top-1 %'] == 75.0
    assert evaluated.metrics['clips: action top-1 %'] == 75.0
    verbs, nouns = evaluated.tables
    assert verbs.rows == [('take', 3, 66.7, 100.0), ('put', 1, 100.0, 50.0)]
    assert nouns.rows[0][0] == '1'  # no names: the numbers
    matrix = evaluated.matrices[0]
    assert (matrix.names, matrix.counts) == (['take', 'put'], [[2, 1], [0, 1]])
