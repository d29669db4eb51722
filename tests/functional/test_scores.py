import csv
import json
import math
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from egomm.functional.scores import (
    class_report,
    confusion_matrix,
    epic100,
    majority_share,
    mean_over_classes,
    rank_actions,
    rank_classes,
    shot_accuracy,
    shot_groups,
    trimmed_report,
    wilson_interval,
)

GOLDEN = Path(__file__).parents[1] / 'golden'


def load(path):
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def scored(data, rows=slice(None)):
    return epic100(
        data['verb_scores'][rows],
        data['noun_scores'][rows],
        data['verb_class'][rows],
        data['noun_class'][rows],
        participants=data['participant_id'][rows],
        unseen=data['unseen_participants'],
        tail_verbs=data['tail_verbs'],
        tail_nouns=data['tail_nouns'],
    )


@pytest.fixture(scope='module')
def synthetic():
    return load(GOLDEN / 'mimo' / 'c1_metrics_synth_inputs.npz')


@pytest.fixture(scope='module')
def expected():
    return json.loads((GOLDEN / 'mimo' / 'c1_metrics_synth_expected.json').read_text())


class TestEpic100:
    def test_equals_the_official_script(self, synthetic, expected):
        official = expected['metrics_percent']
        assert scored(synthetic) == pytest.approx(official, abs=1e-9, rel=0)

    def test_without_unseen_rows_equals_the_official_script(self, synthetic, expected):
        official = expected['metrics_percent_seen_rows_only_no_unseen_keys']
        seen = synthetic['participant_id'] != 'S04'
        assert scored(synthetic, seen) == pytest.approx(official, abs=1e-9, rel=0)

    def test_real_rows_equal_the_official_script(self, golden):
        data = load(golden / 'mimo' / 'c1_metrics_inputs.npz')
        official = json.loads((golden / 'mimo' / 'c1_metrics_expected.json').read_text())
        assert scored(data) == pytest.approx(official['metrics_percent'], abs=1e-9, rel=0)

    def test_subsets_without_rows_have_no_key(self):
        report = epic100(np.eye(2), np.eye(2), [0, 1], [0, 1], tail_nouns=[1])
        assert set(report) == {
            *(f'all_{task}_accuracy_at_{k}' for task in ('verb', 'noun', 'action') for k in (1, 5)),
            'tail_noun_accuracy_at_1',
            'tail_action_accuracy_at_1',
        }

    def test_by_hand(self):
        # Row 0 right; row 1 has the wrong verb, row 2 (unseen) the wrong noun.
        report = epic100(
            [[2, 0, 1], [2, 0, 1], [0, 1, 2]],
            [[5, 0, 0], [0, 5, 0], [0, 0, 5]],
            [0, 1, 2],
            [0, 1, 1],
            participants=['A', 'A', 'B'],
            unseen=['B'],
            tail_verbs=[0],
        )
        expected = {
            'all_verb_accuracy_at_1': 200 / 3,
            'all_noun_accuracy_at_1': 200 / 3,
            'all_action_accuracy_at_1': 100 / 3,
            'tail_action_accuracy_at_1': 100,
            'unseen_verb_accuracy_at_1': 100,
            'unseen_action_accuracy_at_1': 0,
            'all_verb_accuracy_at_5': 100,
        }
        assert {key: report[key] for key in expected} == pytest.approx(expected)

    def test_far_apart_logits_do_not_underflow(self):
        # The float32 softmax of the official script gives row 0 only zeros.
        report = epic100([[1, 0, 0], [500, 0, 0]], [[0, 1, 0], [0, 500, 0]], [0, 0], [1, 1])
        assert report['all_action_accuracy_at_1'] == 100

    def test_whole_validation_set_takes_seconds(self):
        rng = np.random.default_rng(0)
        verbs, nouns = (rng.normal(size=(9668, count)).astype(np.float32) for count in (97, 300))
        start = time.perf_counter()
        epic100(verbs, nouns, rng.integers(0, 97, 9668), rng.integers(0, 300, 9668))
        assert time.perf_counter() - start < 10

    @pytest.mark.parametrize(
        'change, words',
        [
            ({'verb_scores': [[0, math.nan], [0, 1]]}, 'verb wants finite scores.*first in row 0'),
            ({'noun_scores': [[0, 1], [-math.inf, 1]]}, 'noun wants finite scores.*first in row 1'),
            ({'verb_labels': [0, 2]}, r'verb wants integer labels within 0\.\.1.*from 0 to 2'),
            ({'noun_labels': [-1, 0]}, r'noun wants integer labels within 0\.\.1.*from -1 to 0'),
            ({'noun_labels': [0.0, 1.0]}, 'got float64'),
            ({'verb_labels': [0]}, r'got \(2, 2\) and \(1,\)'),
            ({'noun_scores': np.eye(3)[:, :2], 'noun_labels': [0, 1, 0]}, 'got 2 and 3'),
            ({'unseen': ['P01']}, 'got none. Pass participants='),
            ({'unseen': ['P01'], 'participants': ['P01']}, r'participants \(2,\).*got \(1,\)'),
        ],
    )
    def test_impossible_input_is_refused(self, change, words):
        sound = {
            'verb_scores': np.eye(2),
            'noun_scores': np.eye(2),
            'verb_labels': [0, 1],
            'noun_labels': [1, 0],
        }
        with pytest.raises(ValueError, match=words):
            epic100(**{**sound, **change})

    def test_no_rows_are_refused(self):
        with pytest.raises(ValueError, match=r'N > 0; got \(0, 3\)'):
            epic100(np.zeros((0, 3)), np.zeros((0, 3)), [], [])


class TestRanking:
    def test_actions_equal_the_official_script(self, golden):
        data = load(golden / 'mimo' / 'c1_metrics_inputs.npz')
        ranked = rank_actions(data['verb_scores'][:5], data['noun_scores'][:5], 100)
        np.testing.assert_array_equal(
            ranked[..., 0] * 1000 + ranked[..., 1], data['action_top100_first5']
        )

    @pytest.mark.parametrize('k', [1, 5, 12, 100])
    @pytest.mark.parametrize('spread', [1, 2, 10**6])  # few values: ties everywhere
    def test_actions_equal_sorting_every_pair(self, k, spread):
        rng = np.random.default_rng(k)
        verbs, nouns = (rng.integers(-spread, spread, (40, n)) for n in (9, 13))
        everything = (verbs[:, :, None] + nouns[:, None, :]).reshape(40, -1)
        expected = np.argsort(everything, axis=1, kind='stable')[:, ::-1][:, :k]
        ranked = rank_actions(verbs, nouns, k)
        np.testing.assert_array_equal(ranked[..., 0] * 13 + ranked[..., 1], expected)

    def test_first_action_is_first_verb_and_first_noun(self):
        rng = np.random.default_rng(0)
        verbs, nouns = rng.integers(0, 4, (50, 7)), rng.integers(0, 4, (50, 8))
        firsts = np.stack([rank_classes(s, 1)[:, 0] for s in (verbs, nouns)], axis=1)
        np.testing.assert_array_equal(rank_actions(verbs, nouns, 5)[:, 0], firsts)

    def test_of_equal_scores_the_larger_class_is_first(self):
        assert rank_classes([[1, 3, 3, 0]], 3).tolist() == [[2, 1, 0]]

    def test_fewer_classes_than_ranks(self):
        assert rank_classes([[1, 3]], 5).tolist() == [[1, 0]]
        assert rank_actions([[1, 3]], [[0]], 5).tolist() == [[[1, 0], [0, 0]]]


class TestClassReport:
    def test_equals_golden(self):
        data = load(GOLDEN / 'mtl' / 'cls_metrics.npz')
        report = class_report(data['logits'], data['labels'], data['valid'])
        expected = {
            'top1': float(data['top1']),
            'mean_class_accuracy': float(data['mean_cls_acc_present_only']),
            'precision': float(data['avg_precision_full']),
            'recall': float(data['avg_recall_full']),
        }
        assert report.pop('top5') == pytest.approx(float(data['top5']), abs=1e-5)  # a float32
        assert report == pytest.approx(expected, abs=1e-9, rel=0)

    def test_confusion_equals_golden(self):
        data = load(GOLDEN / 'mtl' / 'cls_metrics.npz')
        result = confusion_matrix(data['logits'].argmax(1), data['labels'], 12)
        np.testing.assert_array_equal(result, data['confusion'])

    @pytest.mark.parametrize('task', ['verb', 'noun'])
    def test_equals_the_official_epic55_script(self, golden, task):
        data = load(golden / 'mtl' / 'epic55_official.npz')
        official = json.loads(str(data['metrics_json']))
        report = class_report(
            data[f'{task}_scores'], data[f'{task}_class'], data[f'many_shot_{task}s']
        )
        result = [report[key] / 100 for key in ('top1', 'top5', 'precision', 'recall')]
        expected = [
            *official['accuracy'][task],
            official['precision'][task],
            official['recall'][task],
        ]
        assert result == pytest.approx(expected, abs=1e-9)

    def test_actions_equal_the_official_epic55_script(self, golden):
        data = load(golden / 'mtl' / 'epic55_official.npz')
        official = json.loads(str(data['metrics_json']))
        truth = np.stack([data['verb_class'], data['noun_class']], axis=1)
        right = rank_actions(data['verb_scores'], data['noun_scores'], 5) == truth[:, None]
        hits = right.all(axis=2)
        result = [hits[:, 0].mean(), hits.any(axis=1).mean()]
        assert result == pytest.approx(official['accuracy']['action'], abs=1e-9)

    @pytest.mark.parametrize('measure', ['precision', 'recall'])
    def test_classes_of_actions_equal_the_official_epic55_script(self, golden, measure):
        data = load(golden / 'mtl' / 'epic55_official.npz')
        official = json.loads(str(data['metrics_json']))
        sums = data['verb_scores'][:, :, None] + data['noun_scores'][:, None]
        labels = 352 * data['verb_class'] + data['noun_class']
        report = class_report(
            sums.reshape(len(sums), -1), labels, data['many_shot_actions'] @ [352, 1]
        )
        assert report[measure] == pytest.approx(100 * official[measure]['action'], abs=1e-9)

    def test_trimmed_precision_and_recall_equal_golden(self):
        data = load(GOLDEN / 'mtl' / 'cls_metrics.npz')
        report = trimmed_report(data['logits'], data['labels'], data['valid'])
        expected = {
            'precision': float(data['avg_precision_trimmed']),
            'recall': float(data['avg_recall_trimmed']),
        }
        assert report == pytest.approx(expected, abs=5e-3, rel=0)  # rounded by class

    def test_trimmed_by_hand(self):
        # Rows with a 2 as label or prediction vanish: labels 0 0 1, predicted 0 1 1 are left.
        scores = np.eye(3)[[0, 1, 1, 2, 1]]
        report = trimmed_report(scores, [0, 0, 1, 1, 2], classes=[0, 1])
        assert report == pytest.approx({'precision': 75, 'recall': 75})
        with pytest.raises(ValueError, match=r'trimmed_report wants classes.*got \[\]'):
            trimmed_report(scores, [0, 0, 1, 1, 2], classes=[])

    def test_mean_class_accuracy_equals_golden(self, golden):
        data = load(golden / 'mimo' / 'c1_metrics_inputs.npz')
        expected = json.loads((golden / 'mimo' / 'mean_class_expected.json').read_text())
        for task in ('verb', 'noun'):
            report = class_report(data[f'{task}_scores'], data[f'{task}_class'])
            mean = 100 * expected[f'{task}_mean_over_present_classes']
            assert report['mean_class_accuracy'] == pytest.approx(mean, abs=1e-9)

    def test_by_hand(self):
        # Labels 0 0 1 2, predicted 0 1 1 1. Recall 1/2, 1, 0; precision 1, 1/3, never predicted.
        scores = np.eye(4)[[0, 1, 1, 1]]
        report = class_report(scores, [0, 0, 1, 2])
        assert report['top1'] == 50
        assert report['mean_class_accuracy'] == pytest.approx(50)
        assert report['recall'] == pytest.approx(50)
        assert report['precision'] == pytest.approx(100 * (1 + 1 / 3 + 0) / 3)
        some = class_report(scores, [0, 0, 1, 2], classes=[1, 3])  # 3 has no label
        assert some['recall'] == 100
        assert some['precision'] == pytest.approx(100 / 3)
        assert some['mean_class_accuracy'] == pytest.approx(50)

    def test_classes_without_labels_leave_no_number(self):
        assert set(class_report(np.eye(3), [0, 1, 1], classes=[2])) == {
            'top1',
            'top5',
            'mean_class_accuracy',
        }

    def test_class_outside_the_scores_is_refused(self):
        with pytest.raises(ValueError, match=r'within 0\.\.2.*got \[1, 3\]'):
            class_report(np.eye(3), [0, 1, 2], classes=[3, 1])


class TestWilsonInterval:
    @pytest.mark.parametrize(
        'successes, trials, lower, upper',
        [
            (
                81,
                263,
                0.2553,
                0.3662,
            ),  # Newcombe (1998), Statistics in Medicine 17, table I, method 3
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ],
    )
    def test_equals_the_published_values(self, successes, trials, lower, upper):
        assert wilson_interval(successes, trials) == pytest.approx((lower, upper), abs=5e-5)

    def test_is_symmetric(self):
        lower, upper = wilson_interval(3, 10)
        assert wilson_interval(7, 10) == pytest.approx((1 - upper, 1 - lower))

    @pytest.mark.parametrize('successes, trials', [(0, 0), (3, 2), (-1, 2)])
    def test_impossible_counts_are_refused(self, successes, trials):
        with pytest.raises(ValueError, match=f'got {successes} of {trials}'):
            wilson_interval(successes, trials)


def test_every_class_weighs_the_same_in_the_mean_over_classes():
    # Class 7: 1 of 2; class 2: 1 of 1. Pairs: (7, 0): 1 of 1; (7, 1): 0 of 1; (2, 1): 1 of 1.
    assert mean_over_classes([1, 0, 1], [7, 7, 2]) == 0.75
    assert mean_over_classes([1, 0, 1], [[7, 0], [7, 1], [2, 1]]) == pytest.approx(2 / 3)
    rng = np.random.default_rng(0)
    scores, labels = rng.random((50, 4)), rng.integers(4, size=50)
    right = scores.argmax(axis=1) == labels
    report = class_report(scores, labels)
    assert 100 * mean_over_classes(right, labels) == pytest.approx(report['mean_class_accuracy'])
    with pytest.raises(ValueError, match='at least one row'):
        mean_over_classes([], [])


def test_majority_share_counts_ids_and_pairs():
    assert majority_share([3, 3, 1, 2]) == 50
    assert majority_share([[1, 2], [1, 3], [1, 2], [2, 2], [1, 2]]) == 60
    with pytest.raises(ValueError, match='at least one label'):
        majority_share([])


def test_commonest_training_classes_score_on_real_labels_what_was_counted(realdata):
    train, rows = (
        np.loadtxt(
            realdata / 'ek100_c2' / name, delimiter=',', skiprows=1, usecols=(4, 5), dtype=int
        )
        for name in ('training.csv', 'validation.csv')
    )
    assert (len(train), len(rows)) == (67_217, 9668)
    scores = [
        np.broadcast_to(np.bincount(column, minlength=count), (len(rows), count))
        for column, count in zip(train.T, (97, 300), strict=True)
    ]
    report = epic100(*scores, *rows.T)
    # The floors of realdata/README.md, counted on the same labels without egomm.
    counted = {
        'all_verb_accuracy_at_1': 20.04,
        'all_verb_accuracy_at_5': 63.21,
        'all_noun_accuracy_at_1': 3.93,
        'all_noun_accuracy_at_5': 18.81,
    }
    assert {key: report[key] for key in counted} == pytest.approx(counted, abs=0.005)
    # The commonest class of the scored labels themselves is a floor at least as high.
    assert majority_share(rows[:, 0]) == pytest.approx(report['all_verb_accuracy_at_1'])
    assert majority_share(rows[:, 1]) == pytest.approx(100 * 430 / 9668)
    assert majority_share(rows) == pytest.approx(100 * 227 / 9668)


class TestShots:
    def test_groups_have_the_bounds_of_the_paper(self):
        instances = [101, 100, 20, 19, 0]
        groups = shot_groups(np.repeat(range(5), instances), 5)
        assert {name: ids.tolist() for name, ids in groups.items()} == {
            'many': [0],
            'medium': [1, 2],
            'few': [3, 4],
        }

    def test_accuracy_is_over_the_rows_of_a_group(self):
        train = np.repeat([0, 1, 2], [200, 150, 1])
        # Rows of class 0: two of three right; of class 1: one of one; of class 2: none of one.
        scores = np.eye(3)[[0, 0, 1, 1, 0]]
        report = shot_accuracy(scores, [0, 0, 0, 1, 2], train)
        assert report == {'many': 75.0, 'few': 0.0}  # no medium class, so no such key

    @pytest.mark.parametrize(
        'labels, got', [([], r'\(0,\)'), ([0, 3], 'from 0 to 3'), ([-1], 'from -1')]
    )
    def test_other_labels_are_refused(self, labels, got):
        with pytest.raises(ValueError, match=rf'within 0\.\.2; got .*{got}'):
            shot_groups(labels, 3)

    def test_groups_of_the_real_training_set_are_those_counted_with_a_dictionary(self, realdata):
        with open(realdata / 'ek100_c2' / 'training.csv', newline='') as file:
            labels = [int(row['verb']) for row in csv.DictReader(file)]
        counts = Counter(labels)
        groups = shot_groups(labels, 97)
        assert set(groups['many']) == {c for c in range(97) if counts[c] > 100}
        assert set(groups['few']) == {c for c in range(97) if counts[c] < 20}
        assert sum(map(len, groups.values())) == 97


def test_scores_and_time_grid_do_without_torch():
    code = (
        'import sys, egomm.functional.scores, egomm.functional.time_grid; '
        'sys.exit("torch" in sys.modules)'
    )
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0
