import json
import logging
import math
from pathlib import Path

import mmengine.dist
import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator, metric

from egomm.functional.scores import class_report
from egomm.metrics.accuracy import EpicActionMetric
from egomm.registry import METRICS
from egomm.structures import EgoSample

GOLDEN = Path(__file__).parents[1] / 'golden' / 'mimo'


@pytest.fixture(scope='module')
def data():
    with np.load(GOLDEN / 'c1_metrics_synth_inputs.npz') as file:
        return {key: file[key] for key in file.files}


@pytest.fixture(scope='module')
def expected():
    return json.loads((GOLDEN / 'c1_metrics_synth_expected.json').read_text())


@pytest.fixture
def files(tmp_path, data):
    """The official CSV files of the synthetic rows."""
    columns = {
        'tail_verbs': ('verb', data['tail_verbs']),
        'tail_nouns': ('noun', data['tail_nouns']),
        'unseen': ('participant_id', data['unseen_participants']),
    }
    paths = {}
    for name, (column, values) in columns.items():
        path = tmp_path / f'{name}.csv'
        path.write_text('\n'.join([column, *map(str, values)]) + '\n')
        paths[name] = str(path)
    return paths


def golden_samples(data, dtype=torch.float32):
    return [
        EgoSample(
            metainfo={
                'narration_id': str(data['narration_id'][i]),
                'participant_id': str(data['participant_id'][i]),
            },
            gt={task: int(data[f'{task}_class'][i]) for task in ('verb', 'noun')},
            pred={
                task: torch.as_tensor(data[f'{task}_scores'][i]).to(dtype)
                for task in ('verb', 'noun')
            },
        )
        for i in range(len(data['narration_id']))
    ]


def sample(name, verb, noun, predicted=(0, 0), **changes):
    """One clip of a world with 3 verbs and 2 nouns, as the evaluator hands it over."""
    gt = {'verb': verb, 'noun': noun}
    pred = {'verb': torch.eye(3)[predicted[0]], 'noun': torch.eye(2)[predicted[1]]}
    return EgoSample(
        metainfo={'narration_id': name, 'participant_id': 'P01'},
        **{'gt': {k: v for k, v in gt.items() if v is not None}, 'pred': pred, **changes},
    ).to_dict()


def small(samples, size=None, **options):
    scorer = EpicActionMetric(verb_classes=3, noun_classes=2, **options)
    scorer.process(None, samples)
    return scorer.evaluate(len(samples) if size is None else size)


class TestNumbers:
    def test_equal_the_official_script_from_config_to_report(self, data, expected, files):
        evaluator = Evaluator(METRICS.build({'type': 'EpicActionMetric', **files}))
        samples = golden_samples(data)
        for start in range(0, len(samples), 7):
            evaluator.process(samples[start : start + 7])
        report = evaluator.evaluate(len(samples))
        official = {f'epic100/{key}': value for key, value in expected['metrics_percent'].items()}
        extra = {f'epic100/all_{task}_mean_class_accuracy_present' for task in ('verb', 'noun')}
        assert set(report) == set(official) | extra
        assert {key: report[key] for key in official} == pytest.approx(official, abs=1e-9, rel=0)

    def test_mean_class_accuracy_is_over_the_classes_that_occur(self, data, files):
        scorer = EpicActionMetric(**files)
        scorer.process(None, [s.to_dict() for s in golden_samples(data)])
        report = scorer.evaluate(len(data['narration_id']))
        for task in ('verb', 'noun'):
            scores, labels = data[f'{task}_scores'], data[f'{task}_class']
            hits = scores.argmax(1) == labels
            mean = 100 * np.mean([hits[labels == c].mean() for c in np.unique(labels)])
            key = f'epic100/all_{task}_mean_class_accuracy_present'
            assert report[key] == pytest.approx(mean)
            assert class_report(scores, labels)['mean_class_accuracy'] == pytest.approx(mean)

    def test_without_files_there_are_no_subsets(self, data):
        scorer = EpicActionMetric()
        scorer.process(None, [s.to_dict() for s in golden_samples(data)])
        report = scorer.evaluate(len(data['narration_id']))
        assert not [key for key in report if 'tail' in key or 'unseen' in key]

    def test_labels_and_logits_may_be_tensors_of_any_precision(self):
        pred = {'verb': torch.eye(3)[1].bfloat16().requires_grad_(), 'noun': [0.0, 1.0]}
        report = small([sample('a', torch.tensor(1), np.int64(1), pred=pred)])
        assert report['epic100/all_action_accuracy_at_1'] == 100


class TestShots:
    """Classes by their number of training instances, beside the official numbers."""

    def test_groups_are_reported_under_names_of_their_own(self, tmp_path):
        rows = [(0, 0)] * 150 + [(1, 1)] * 30  # verb 2 never occurs in training
        lines = [f'{verb},{noun}' for verb, noun in rows]
        path = tmp_path / 'EPIC_100_train.csv'
        path.write_text('\n'.join(['verb_class,noun_class', *lines]))
        samples = [sample('a', 0, 0), sample('b', 0, 1, (1, 1)), sample('c', 2, 1, (2, 0))]
        plain, report = small(samples), small(samples, train_annotations=str(path))
        assert {key: value for key, value in report.items() if key not in plain} == {
            'epic100/shots/many_verb_accuracy_at_1': 50.0,
            'epic100/shots/few_verb_accuracy_at_1': 100.0,
            'epic100/shots/many_noun_accuracy_at_1': 100.0,
            'epic100/shots/medium_noun_accuracy_at_1': 50.0,
        }

    def test_a_training_file_of_another_world_is_refused_before_the_run(self, tmp_path):
        path = tmp_path / 'EPIC_100_train.csv'
        path.write_text('verb_class,noun_class\n3,0\n')
        with pytest.raises(ValueError, match=r'within 0\.\.2; got \(1,\) from 3 to 3'):
            small([], train_annotations=str(path))


class TestMixedActions:
    """3 verbs, 2 nouns; the action head knows the pairs (0, 0), (1, 1) and (2, 1)."""

    PAIRS = torch.tensor([[0, 0], [1, 1], [2, 1]])

    def clip(self, name, verb, noun, action, verb_logits=(0, 0, 0), noun_logits=(0, 0)):
        pred = {'verb': torch.tensor(verb_logits), 'noun': torch.tensor(noun_logits)}
        pred['action'] = {'logits': torch.tensor(action).log(), 'pairs': self.PAIRS}
        return sample(name, verb, noun, pred=pred)

    def test_have_a_key_of_their_own(self):
        clips = [
            self.clip('first', 1, 1, [0.1, 0.8, 0.1]),
            self.clip('third', 0, 0, [0.1, 0.5, 0.4]),
        ]
        report = small(clips)
        assert report['epic100/all_mixed_action_accuracy_at_1'] == 50
        assert report['epic100/all_mixed_action_accuracy_at_5'] == 100
        # Verb and noun alone say nothing here: of equal scores the largest ids come first.
        assert report['epic100/all_action_accuracy_at_1'] == 0

    def test_a_pair_outside_the_list_can_come_first(self):
        clip = self.clip('a', 1, 0, [0.4, 0.3, 0.3], (0, 9, 0), (9, 0))
        assert small([clip])['epic100/all_mixed_action_accuracy_at_1'] == 100
        alone = small([clip], action_share=1.0)
        assert alone['epic100/all_mixed_action_accuracy_at_1'] == 0

    def test_are_left_out_without_an_answer_in_pairs(self):
        numbered = sample('a', 0, 0)
        numbered['pred']['action'] = torch.zeros(7)
        assert not [key for key in small([numbered]) if 'mixed' in key]

    def test_padding_without_labels_is_dropped(self):
        clips = [self.clip('a', 1, 1, [0.1, 0.8, 0.1]), self.clip('a', None, None, [0.1, 0.8, 0.1])]
        assert small(clips[::-1])['epic100/all_mixed_action_accuracy_at_1'] == 100

    def test_an_answer_that_is_no_number_is_named(self):
        with pytest.raises(ValueError, match='Action of clip b: .* without NaN'):
            small([self.clip('b', 1, 1, [0.1, math.nan, 0.1])])

    def test_a_list_of_more_classes_is_named(self):
        clip = self.clip('b', 1, 1, [0.1, 0.8, 0.1])
        clip['pred']['action']['pairs'] = self.PAIRS + 1
        with pytest.raises(ValueError, match='clip b: Wanted are pairs within 3 verbs and 2 nouns'):
            small([clip])


class TestRepeats:
    def test_padding_beyond_the_dataset_is_dropped(self):
        samples = [sample('a', 0, 0), sample('b', 1, 1), sample('padding', None, None)]
        assert small(samples, size=2)['epic100/all_action_accuracy_at_1'] == 50

    def test_repeat_that_agrees_counts_once(self):
        again = sample('a', 0, 0)
        again['pred']['verb'] = again['pred']['verb'] * 1.001  # another batch, other rounding
        report = small([sample('a', 0, 0), sample('b', 1, 1), again])
        assert report['epic100/all_action_accuracy_at_1'] == 50

    @pytest.mark.parametrize('order', [1, -1])
    def test_repeat_without_labels_is_padding(self, order):
        samples = [sample('a', 0, 0), sample('b', 1, 1), sample('a', None, None)][::order]
        assert small(samples)['epic100/all_action_accuracy_at_1'] == 50

    @pytest.mark.parametrize('again', [sample('a', 1, 0), sample('a', 0, 0, (1, 0))])
    def test_repeat_that_disagrees_is_refused(self, again):
        with pytest.raises(ValueError, match='clip a twice with different labels or scores'):
            small([sample('a', 0, 0), again])

    @pytest.mark.parametrize('count', [5, 6, 7])
    def test_two_processes_score_like_one(self, monkeypatch, count):
        # Rank r of a sampler that pads to a multiple of 2 sees clips r, r + 2, ...
        clips = [
            sample(
                f'clip{i}',
                i % 3,
                i % 2,
                (i % 3, 0),
                pred={'verb': torch.eye(3)[i % 3], 'noun': torch.tensor([1.0, 0.5]) * (i + 1)},
            )
            for i in range(count)
        ]
        padded = clips + clips[: -count % 2]
        scorers = [EpicActionMetric(verb_classes=3, noun_classes=2) for _ in range(2)]
        for rank, scorer in enumerate(scorers):
            scorer.process(None, padded[rank::2])
        parts = [scorer.results for scorer in scorers]
        monkeypatch.setattr(mmengine.dist.dist, 'get_dist_info', lambda *_: (0, 2))
        monkeypatch.setattr(mmengine.dist.dist, 'all_gather_object', lambda _: parts)
        monkeypatch.setattr(
            metric,
            'collect_results',
            lambda part, size, *_, **__: mmengine.dist.dist._collect_results_device(part, size),
        )
        together = scorers[0].evaluate(count)
        monkeypatch.undo()
        assert together == small(clips)


class TestErrors:
    def test_row_without_a_label_is_named(self):
        with pytest.raises(ValueError, match=r'label for every clip; b lack one.*submission'):
            small([sample('a', 0, 0), sample('b', 1, None)])

    def test_long_lists_are_cut(self):
        samples = [sample(f'c{i}', None, 0) for i in range(8)]
        with pytest.raises(ValueError, match='c0, c1, c2, c3, c4 and 3 more lack one'):
            small(samples)

    @pytest.mark.parametrize('value', [math.nan, math.inf])
    def test_logits_that_are_not_finite_are_named(self, value):
        bad = sample('b', 1, 0)
        bad['pred']['noun'] = torch.tensor([0, value])
        with pytest.raises(ValueError, match='finite logits; b have NaN'):
            small([sample('a', 0, 0), bad])

    @pytest.mark.parametrize('verb', [-1, 3])
    def test_label_out_of_range_is_named(self, verb):
        with pytest.raises(ValueError, match=rf'within 0\.\.2; got {verb} for b.*verb_classes'):
            small([sample('a', 0, 0), sample('b', verb, 0)])

    def test_missing_head_is_named(self):
        with pytest.raises(ValueError, match=r"clip a has \['verb'\], no 'noun'"):
            small([sample('a', 0, 0, pred={'verb': torch.zeros(3)})])

    def test_prediction_that_is_no_tensor_is_named(self):
        pred = {'verb': {'logits': torch.zeros(3)}, 'noun': torch.zeros(2)}
        with pytest.raises(ValueError, match="logits of 'verb'; .* clip a is a dict. Let"):
            small([sample('a', 0, 0, pred=pred)])

    def test_other_number_of_classes_is_named(self):
        with pytest.raises(ValueError, match=r'97 verb logits per clip; got \(3,\) for a'):
            EpicActionMetric().process(None, [sample('a', 0, 0)])

    def test_sample_without_identity_is_refused(self):
        bad = sample('a', 0, 0)
        del bad['participant_id']
        with pytest.raises(ValueError, match=r"\['participant_id'\] missing"):
            small([bad])

    def test_no_clips_are_refused(self):
        logging.getLogger('mmengine').setLevel(logging.ERROR)
        with pytest.raises(ValueError, match='no clips to score'):
            small([])

    def test_missing_file_is_named(self, tmp_path):
        path = str(tmp_path / 'EPIC_100_tail_verbs.csv')
        with pytest.raises(ValueError, match=rf'no file {path} .*column .verb.'):
            EpicActionMetric(tail_verbs=path)

    def test_missing_column_is_named(self, files):
        with pytest.raises(ValueError, match=r"tail_verbs\.csv has the columns \['verb'\].*'noun'"):
            EpicActionMetric(tail_nouns=files['tail_verbs'])

    @pytest.mark.parametrize(
        'text, words',
        [
            ('verb\n3\nopen\n', r"line 3: 'open' in column 'verb'"),
            ('id,verb\n1\n', r"line 2: None in column 'verb'"),
        ],
    )
    def test_entry_that_is_no_id_is_named(self, tmp_path, text, words):
        path = tmp_path / 'tail.csv'
        path.write_text(text)
        with pytest.raises(ValueError, match=words):
            EpicActionMetric(tail_verbs=str(path))

    def test_empty_file_is_refused(self, tmp_path):
        path = tmp_path / 'tail.csv'
        path.write_text('')
        with pytest.raises(ValueError, match=r'has the columns \[\]'):
            EpicActionMetric(tail_verbs=str(path))


def test_official_files_are_read(realdata):
    folder = realdata / 'ek100'
    scorer = EpicActionMetric(
        tail_verbs=str(folder / 'EPIC_100_tail_verbs.csv'),
        tail_nouns=str(folder / 'EPIC_100_tail_nouns.csv'),
        unseen=str(folder / 'EPIC_100_unseen_participant_ids_validation.csv'),
    )
    assert (len(scorer.tail_verbs), len(scorer.tail_nouns)) == (86, 228)
    assert set(range(97)) - set(scorer.tail_verbs) == {*range(10), 11}
    assert scorer.unseen == ['P18', 'P32']
