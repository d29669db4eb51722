import pytest

from egomm.functional.detection import mean_average_precision
from egomm.metrics.epic_segments import EpicDetectionMetric

ANNOTATIONS = [
    dict(verb=0, noun=2, start_time=1.0, end_time=3.0),
    dict(verb=0, noun=1, start_time=5.0, end_time=9.0),
]


def sample(video='P01_01', **found):
    pred = {
        task: dict(
            segments=[row[0] for row in rows],
            scores=[row[1] for row in rows],
            labels=[row[2] for row in rows],
        )
        for task, rows in found.items()
    }
    return dict(video_id=video, annotations=ANNOTATIONS, pred=pred)


def score(*samples, actions=((0, 2), (0, 1), (3, 3))):
    metric = EpicDetectionMetric()
    metric.dataset_meta = dict(actions=list(actions))
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def test_the_list_of_a_head_of_actions_is_scored_as_verbs_nouns_and_actions():
    # The best one has the verb right and the noun wrong, the second has both right.
    found = [([1.0, 3.0], 0.9, 1), ([5.0, 9.0], 0.8, 1), ([0.0, 9.0], 0.7, 2)]
    scores = score(sample(action=found))
    assert scores['epic100_c2/verb_average_mAP'] == 1.0
    # Noun 2 is never found; of noun 1 the first of two is wrong.
    assert scores['epic100_c2/noun_average_mAP'] == pytest.approx((0 + 0.5) / 2)
    assert scores['epic100_c2/action_mAP_at_0.5'] == pytest.approx((0 + 0.5) / 2)


def test_heads_of_verbs_and_nouns_are_scored_each_for_itself():
    scores = score(sample(verb=[([1, 3], 0.9, 0)], noun=[([1, 3], 0.9, 2), ([5, 8], 0.1, 1)]))
    assert scores['epic100_c2/verb_average_mAP'] == 0.5
    assert scores['epic100_c2/noun_average_mAP'] == 1.0
    assert 'epic100_c2/action_average_mAP' not in scores


def test_sounds_have_their_own_prefix_and_the_official_area():
    rows = [dict(sound=4, start_time=1.0, end_time=3.0)]
    metric = EpicDetectionMetric(prefix='epic_sounds')
    found = dict(segments=[[1.0, 2.0]], scores=[0.5], labels=[4])
    metric.process({}, [dict(video_id='v', annotations=rows, pred=dict(sound=found))] * 2)
    scores = metric.evaluate(2)  # a repeated video counts once
    truth = {'v': {'annotations': [dict(label=4, start_time=1.0, end_time=3.0)]}}
    official = mean_average_precision(truth, {'v': [dict(label=4, score=0.5, segment=[1.0, 2.0])]})
    assert scores['epic_sounds/sound_average_mAP'] == official['average'] == 1.0


@pytest.mark.parametrize(
    'wrong, words',
    [
        (dict(sample(verb=[]), annotations=None), 'wants labelled videos; P01_01 has no annot'),
        (sample(moment=[]), r"has \['moment'\]. Give the model such a head"),
        (sample(action=[([1, 2], 0.5, 3)]), 'has 3 actions from the dataset, but P01_01 is said'),
        (
            dict(sample(), pred=dict(verb=dict(segments=[[1, 2]], scores=[], labels=[]))),
            r'got \(1, 2\), \(0,\) and \(0,\) for P01_01\. One score and label',
        ),
    ],
)
def test_what_cannot_be_scored_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        score(wrong)
