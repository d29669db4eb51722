"""What may not change a score, evaluator by evaluator: order, names, scales, clocks, ballast.

An invariance is asked for only where the official metric has it; where it has none, the test says
why, and most show it.
"""

import numpy as np
import pytest

from egomm.functional.detection import moment_report
from egomm.functional.gaze import adaptive_f1, angular_error, auc_judd
from egomm.functional.retrieval import query_report
from egomm.functional.scores import class_report, epic100, trimmed_report
from egomm.registry import METRICS

SEEDS = range(5)
seeds = pytest.mark.parametrize('seed', SEEDS)


def same(one, two):
    """Equal but for the order of sums."""
    assert one == pytest.approx(two, rel=1e-12, abs=1e-12)


# Recognition. A row is scored on its own and rows are averaged; clocks have no part in it.


def recognition(seed, rows=60, verbs=7, nouns=9):
    rng = np.random.default_rng(seed)
    return dict(
        verb_scores=rng.normal(size=(rows, verbs)),
        noun_scores=rng.normal(size=(rows, nouns)),
        verb_labels=rng.integers(verbs, size=rows),
        noun_labels=rng.integers(nouns, size=rows),
        participants=rng.choice(['P01', 'P02', 'P03'], rows),
        unseen=['P02'],
        tail_verbs=[1, 4],
        tail_nouns=[0, 8],
    )


@seeds
def test_c1_order_and_names(seed):
    data, rng = recognition(seed), np.random.default_rng(seed)
    order = rng.permutation(60)
    moved = {
        name: value[order] if isinstance(value, np.ndarray) else value
        for name, value in data.items()
    }
    same(epic100(**moved), epic100(**data))
    renamed = dict(data, unseen=['Q02'])
    renamed['participants'] = np.char.replace(data['participants'], 'P', 'Q')
    for task, count in (('verb', 7), ('noun', 9)):
        place = rng.permutation(count)  # the new number of each class; without ties only
        renamed[f'{task}_scores'] = data[f'{task}_scores'][:, np.argsort(place)]
        renamed[f'{task}_labels'] = place[data[f'{task}_labels']]
        renamed[f'tail_{task}s'] = place[data[f'tail_{task}s']].tolist()
    same(epic100(**renamed), epic100(**data))


@seeds
def test_c1_scale_is_free_only_for_both_tasks_together(seed):
    """Actions are ranked by a sum of logits: one factor for verb and noun, any offset of a row."""
    data = recognition(seed)
    offset = np.random.default_rng(seed).normal(size=(60, 1))
    both = {f'{task}_scores': 3.5 * data[f'{task}_scores'] + offset for task in ('verb', 'noun')}
    same(epic100(**{**data, **both}), epic100(**data))
    one = epic100(**{**data, 'verb_scores': 9 * data['verb_scores']})
    whole = epic100(**data)
    for name in whole:
        if 'action_accuracy_at_5' not in name and 'action' in name:
            continue  # the best action is that of the best verb and noun: free as well
        if 'action' not in name:
            assert one[name] == whole[name]
    assert one['all_action_accuracy_at_5'] != whole['all_action_accuracy_at_5']


@seeds
def test_c1_a_class_without_hope_is_ballast(seed):
    """There is no extra prediction in this protocol, one a row; but a class nobody has or wants."""
    data = recognition(seed)
    more = dict(data)
    for task in ('verb', 'noun'):
        scores = data[f'{task}_scores']
        more[f'{task}_scores'] = np.column_stack([scores, np.full(60, -1e3)])
    same(epic100(**more), epic100(**data))


@seeds
@pytest.mark.parametrize('report', [class_report, trimmed_report], ids=['official', 'trimmed'])
def test_epic55_order_names_scale_and_a_class_without_hope(report, seed):
    """One ranking: any increasing function of the scores, another one for each row, is free."""
    data, rng = recognition(seed), np.random.default_rng(seed)
    scores, labels, classes = data['verb_scores'], data['verb_labels'], [0, 3, 5]
    whole = report(scores, labels, classes)
    order, place = rng.permutation(60), rng.permutation(7)
    same(report(scores[order], labels[order], classes), whole)
    renamed = scores[:, np.argsort(place)]
    same(report(renamed, place[labels], place[classes].tolist()), whole)
    same(report(np.exp(scores * rng.uniform(1, 3, (60, 1))), labels, classes), whole)
    same(report(np.column_stack([scores, np.full(60, -1e3)]), labels, classes), whole)


@seeds
def test_egtea_order_names_and_how_often_a_class_is_shown(seed):
    """Classes weigh the same however many clips they have; the share of right clips is another."""
    data = recognition(seed)

    def score(rows, name='{}'):
        metric = METRICS.build(
            dict(type='ClassAccuracyMetric', num_classes=dict(action=7), prefix='egtea')
        )
        samples = [
            dict(
                narration_id=name.format(number),
                gt=dict(action=int(data['verb_labels'][row])),
                pred=dict(action=data['verb_scores'][row]),
            )
            for number, row in enumerate(rows)
        ]
        metric.process({}, samples)
        return metric.evaluate(len(samples))

    rows = np.arange(60)
    whole = score(rows)
    same(score(np.random.default_rng(seed).permutation(rows)), whole)
    same(score(rows, 'clip_{}'), whole)
    label = data['verb_labels'][0]
    often = score(np.concatenate([rows, *[rows[data['verb_labels'] == label]] * 3]))
    key = 'egtea/action_mean_class_accuracy'
    assert often[key] == pytest.approx(whole[key], rel=1e-12)
    assert often['egtea/action_top1'] != whole['egtea/action_top1']


# Detection. Times lie on a binary grid, so that shifting them is exact.


def moments(seed, clips=6, labels=('a', 'b', 'c')):
    """Ground truth and predictions by clip, best first, no two scores alike."""
    rng = np.random.default_rng(seed)
    scores = iter(rng.permutation(10_000) / 10_000)
    truth, found = {}, {}
    for clip in range(clips):
        starts = rng.integers(0, 200, 8) / 4
        rows = [
            dict(label=str(rng.choice(labels)), start_time=start, end_time=start + length)
            for start, length in zip(starts.tolist(), (rng.integers(4, 40, 8) / 4).tolist())
        ]
        truth[f'clip_{clip}'] = dict(annotations=rows)
        answers = []
        for row in rows * 3:
            start, stop = rng.integers(-12, 13, 2) / 4
            segment = [row['start_time'] + float(start), row['end_time'] + float(stop)]
            label = row['label'] if rng.random() < 0.8 else str(rng.choice(labels))
            answers.append(dict(label=label, score=float(next(scores)), segment=segment))
        found[f'clip_{clip}'] = sorted(answers, key=lambda answer: -answer['score'])
    return truth, found


def changed(truth, found, clip=str, label=str, score=float, seconds=float):
    """Both sides with other names, scores and clocks; ``seconds`` may differ by clip."""
    clock = seconds if isinstance(seconds, dict) else dict.fromkeys(truth, seconds)
    return (
        {
            clip(name): dict(
                annotations=[
                    dict(
                        label=label(row['label']),
                        start_time=clock[name](row['start_time']),
                        end_time=clock[name](row['end_time']),
                    )
                    for row in entry['annotations']
                ]
            )
            for name, entry in truth.items()
        },
        {
            clip(name): [
                dict(
                    label=label(row['label']),
                    score=score(row['score']),
                    segment=[clock[name](time) for time in row['segment']],
                )
                for row in rows
            ]
            for name, rows in found.items()
        },
    )


def mq(truth, found):
    return moment_report(truth, found)


def c2(truth, found):
    """The same world as actions of videos: a label is a verb, and the noun is always 0."""
    labels = sorted({row['label'] for entry in truth.values() for row in entry['annotations']})
    metric = METRICS.build(dict(type='EpicDetectionMetric'))
    metric.dataset_meta = dict(actions=[(number, 0) for number in range(len(labels))])
    samples = [
        dict(
            video_id=name,
            annotations=[
                dict(verb=labels.index(row['label']), noun=0, **row) for row in entry['annotations']
            ],
            pred=dict(
                action=dict(
                    segments=np.array([row['segment'] for row in found[name]]).reshape(-1, 2),
                    scores=np.array([row['score'] for row in found[name]]),
                    labels=np.array([labels.index(row['label']) for row in found[name]]),
                )
            ),
        )
        for name, entry in truth.items()
    ]
    metric.process({}, samples)
    return metric.evaluate(len(samples))


detection = pytest.mark.parametrize('report', [mq, c2])


@detection
@seeds
def test_detection_order_of_clips_names_scores_and_clocks(report, seed):
    """Scores are only compared, over all clips of a class: one increasing function for all."""
    truth, found = moments(seed)
    whole = report(truth, found)
    assert 0.05 < next(iter(whole.values())) < 0.95
    same(report(dict(reversed(truth.items())), dict(reversed(found.items()))), whole)
    names = dict(a='z', b='x', c='y')
    same(report(*changed(truth, found, clip=lambda name: f'x{name}', label=names.get)), whole)
    same(report(*changed(truth, found, score=lambda score: np.exp(5 * score) - 7)), whole)
    shift = {name: lambda time, by=64.0 * n: time + by for n, name in enumerate(truth)}
    same(report(*changed(truth, found, seconds=shift)), whole)
    same(report(*changed(truth, found, seconds=lambda time: 2 * time)), whole)


@detection
@seeds
def test_detection_order_within_a_clip_is_of_no_matter_to_map_but_to_the_recall(report, seed):
    """The official recall takes the first k times n as they are listed, whatever their scores."""
    truth, found = moments(seed)
    whole = report(truth, found)
    backwards = report(truth, {name: rows[::-1] for name, rows in found.items()})
    precise, recalled = ({n for n in whole if ('recall' in n) == is_it} for is_it in (False, True))
    same({name: backwards[name] for name in precise}, {name: whole[name] for name in precise})
    if recalled:
        assert any(backwards[name] != whole[name] for name in recalled)


@detection
@seeds
def test_detection_of_nothing_at_the_end_is_free_and_at_the_top_costs(report, seed):
    """The envelope of precision looks at the ranks of hits only; the last miss comes after all."""
    truth, found = moments(seed)
    whole = report(truth, found)

    def more(score):
        miss = [dict(label=label, score=score, segment=[900.0, 901.0]) for label in 'abc']
        return report(
            truth, {n: rows + miss if score < 0 else miss + rows for n, rows in found.items()}
        )

    same(more(-1.0), whole)
    top = more(2.0)
    assert all(top[name] <= whole[name] for name in whole)
    first = next(iter(whole))
    assert top[first] < whole[first]


# Queries. Answers are a list, best first; scores only make its order.


def queries(seed, count=40):
    rng = np.random.default_rng(seed)
    samples = []
    for number in range(count):
        start, length = rng.integers(0, 200) / 4, rng.integers(8, 40) / 4
        starts = start + rng.integers(-16, 17, 6) / 4
        samples.append(
            dict(
                clip_id=f'clip_{number // 4}',
                annotation_id=f'note_{number // 2}',
                query_index=number % 2,
                window=[float(start), float(start + length)],
                segments=np.stack([starts, starts + length], axis=1),
                scores=np.sort(rng.permutation(1000)[:6] / 1000)[::-1].copy(),
            )
        )
    return samples


def nlq(samples, name=str, score=np.asarray, seconds=np.asarray):
    metric = METRICS.build(dict(type='Ego4dQueryMetric'))
    metric.process(
        {},
        [
            dict(
                clip_id=name(sample['clip_id']),
                annotation_id=name(sample['annotation_id']),
                query_index=sample['query_index'],
                window=seconds(np.array(sample['window'])).tolist(),
                pred=dict(
                    query=dict(segments=seconds(sample['segments']), scores=score(sample['scores']))
                ),
            )
            for sample in samples
        ],
    )
    return metric.evaluate(len(samples))


@seeds
def test_nlq_order_names_scores_and_clocks(seed):
    samples = queries(seed)
    whole = nlq(samples)
    assert 0.1 < whole['ego4d_nlq/mean_recall_1'] < 0.9
    assert nlq(samples[::-1]) == whole
    assert nlq(samples, name=lambda name: f'x{name}') == whole
    assert nlq(samples, score=lambda scores: np.exp(5 * scores) - 7) == whole
    assert nlq(samples, seconds=lambda times: times + 64) == whole
    assert nlq(samples, seconds=lambda times: 2 * times) == whole


@seeds
def test_nlq_an_answer_at_the_end_is_free_and_at_the_top_costs(seed):
    samples = queries(seed)
    windows = {(s['clip_id'], s['annotation_id'], s['query_index']): s['window'] for s in samples}
    answers = {key: s['segments'].tolist() for key, s in zip(windows, samples)}
    whole, miss = query_report(windows, answers), [[900.0, 901.0]]
    assert query_report(windows, {key: rows + miss for key, rows in answers.items()}) == whole
    top = query_report(windows, {key: miss + rows for key, rows in answers.items()})
    assert all(top[name] <= whole[name] for name in whole)
    assert top['recall_1_at_0.3'] == 0 < whole['recall_1_at_0.3']


# Gaze. A clock has no part in it, but a place has: shifting both maps by the same cells.


@seeds
def test_auc_judd_scale_place_and_order_of_fixations(seed):
    """The ranks of the pixels count, not where they lie: any common permutation is free."""
    rng = np.random.default_rng(seed)
    heatmap = rng.random((6, 8))
    cells = rng.permutation(48)[:5]
    fixations = np.stack(np.unravel_index(cells, (6, 8)), axis=1)
    whole = auc_judd(heatmap, fixations)
    same(auc_judd(np.log(heatmap) * 3 - 1, fixations), whole)
    same(auc_judd(heatmap, fixations[::-1]), whole)
    same(auc_judd(np.roll(heatmap, (2, 3), (0, 1)), (fixations + [2, 3]) % [6, 8]), whole)
    heatmap[0, 0] = heatmap.max() + 1  # a pixel that nobody looks at
    if not (fixations == 0).all(axis=1).any():
        assert auc_judd(heatmap, fixations) <= whole


@seeds
def test_adaptive_f1_order_and_place_but_not_scale(seed):
    """Its thresholds are fixed numbers, so maps have to sum to 1: a factor is no free choice."""
    rng = np.random.default_rng(seed)
    true = rng.random((5, 12, 16)) ** 9
    maps = true + rng.random(true.shape) / 4  # a ground over which a threshold has to be chosen
    maps, true = (values / values.sum(axis=(1, 2), keepdims=True) for values in (maps, true))
    whole = adaptive_f1(maps, true)
    assert whole['threshold'] > 0
    order = rng.permutation(5)
    same(adaptive_f1(maps[order], true[order]), whole)
    same(adaptive_f1(*(np.roll(values, (3, 5), (1, 2)) for values in (maps, true))), whole)
    thresholds = np.linspace(0, 0.02, 11)
    scaled = adaptive_f1(2 * maps, true, 2 * thresholds)
    assert scaled.pop('threshold') == pytest.approx(2 * whole['threshold'])
    same(scaled, {name: value for name, value in whole.items() if name != 'threshold'})
    assert adaptive_f1(maps / 20, true)['f1'] != whole['f1']


@seeds
def test_angle_order_mirrors_and_which_of_the_two_is_the_truth(seed):
    """Not a shift: the same pixels are another angle towards the border of the image."""
    rng = np.random.default_rng(seed)
    one, other = rng.uniform(20, 180, (2, 10, 2))
    whole = angular_error(one, other, 224)
    order = rng.permutation(10)
    same(angular_error(one[order], other[order], 224), whole[order])
    same(angular_error(other, one, 224), whole)
    same(angular_error(224 - one, 224 - other, 224), whole)
    assert np.abs(angular_error(one + 30, other + 30, 224) - whole).max() > 1e-3
