"""Questions about long videos: one answer each, and nothing in the words alone."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from egomm.testing.questions import ask
from egomm.testing.timeline import Moment, TimelineSpec, class_pairs, plan_timelines

TIOU = 0.3


def test_questions_about_four_moments_by_hand():
    # take plate, take pan, put plate, take plate
    pairs = [(0, 0), (0, 1), (1, 0)]
    moments = [Moment(10.0 * n, 10.0 * n + 5, label) for n, label in enumerate((0, 1, 2, 0))]
    asked = [(row.template, row.text, row.answer) for row in ask(moments, pairs)]
    assert asked == [
        ('noun', 'What did I do with the pan?', 1),
        ('when', 'When did I take the pan?', 1),
        ('before', 'What did I do right before I did take the pan?', 0),
        ('after', 'What did I do right after I did take the pan?', 2),
        ('verb', 'What did I put?', 2),
        ('when', 'When did I put the plate?', 2),
        ('before', 'What did I do right before I did put the plate?', 1),
        ('after', 'What did I do right after I did put the plate?', 3),
    ]


def test_the_next_use_is_not_the_very_next_moment():
    pairs = [(0, 0), (0, 1), (1, 2)]
    moments = [Moment(10.0 * n, 10.0 * n + 5, label) for n, label in enumerate((0, 2, 1, 2))]
    (found,) = [row for row in ask(moments, pairs) if row.template == 'next' and row.answer == 2]
    assert found.text == 'When did I use the pan next after I did take the plate?'
    assert (found.nouns, found.verbs) == (('plate', 'pan'), ('take',))
    (between,) = [row for row in ask(moments, pairs) if row.template == 'between']
    assert between.text == 'What did I do between take the plate and take the pan?'
    assert between.answer == 1


@pytest.fixture(scope='module')
def questions():
    """(split, template, text, window as shares of the clip) of every question of a world."""
    spec = TimelineSpec(val=1)
    pairs = class_pairs(spec)
    rows = []
    for line in plan_timelines(spec):
        begin, end = line.clip
        for row in ask(line.moments, pairs):
            moment = line.moments[row.answer]
            window = [(second - begin) / (end - begin) for second in moment[:2]]
            rows.append((line.split, row.template, row.text, line.video_id, window))
    return rows


def test_there_are_seven_templates_and_varied_nouns(questions):
    counts = Counter(template for _, template, *_ in questions)
    assert len(counts) == 7
    assert min(counts.values()) > 50
    assert len({text for _, _, text, *_ in questions}) > 150


def test_the_same_words_have_another_answer_in_another_video(questions):
    answers = defaultdict(dict)
    for _, _, text, video, window in questions:
        answers[text][video] = window
    shared = [list(rows.values()) for rows in answers.values() if len(rows) > 1]
    assert len(shared) > 100
    starts = np.array([abs(rows[0][0] - rows[1][0]) for rows in shared])
    assert (starts > 0.1).mean() > 0.6


def hits(windows, guess):
    windows = np.asarray(windows)
    inter = np.minimum(windows[:, 1], guess[1]) - np.maximum(windows[:, 0], guess[0])
    union = np.maximum(windows[:, 1], guess[1]) - np.minimum(windows[:, 0], guess[0])
    return (inter / union > TIOU).astype(float)


GUESSES = [
    (start, start + length)
    for length in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
    for start in np.arange(0, 1 - length + 1e-9, 0.04)
]


def best_guess(windows):
    return max(GUESSES, key=lambda guess: hits(windows, guess).mean())


@pytest.mark.parametrize('reads', ['template', 'words'])
def test_text_alone_is_at_the_level_of_a_fixed_window(questions, reads):
    """The best window by template, or by each word's sum of scores, against one for all."""
    train = [row for row in questions if row[0] == 'train']
    test = [row for row in questions if row[0] == 'test']
    fixed = best_guess([row[-1] for row in train])
    if reads == 'template':
        names = {row[1] for row in train}
        by = {name: best_guess([r[-1] for r in train if r[1] == name]) for name in names}
        guess = [by[row[1]] for row in test]
    else:
        scores = np.stack([hits([row[-1] for row in train], guess) for guess in GUESSES])
        texts = [set(row[2].split()) for row in train]
        mean = scores.mean(1)
        effect = {}
        for word in set().union(*texts):
            has = [word in text for text in texts]
            effect[word] = scores[:, has].mean(1) - mean
        guess = [
            GUESSES[np.argmax(mean + sum(effect.get(word, 0) for word in row[2].split()))]
            for row in test
        ]
    told = np.concatenate([hits([r[-1]], g) for r, g in zip(test, guess, strict=True)])
    blind = hits([row[-1] for row in test], fixed)
    difference = told - blind
    error = difference.std(ddof=1) / len(difference) ** 0.5
    assert difference.mean() <= 2 * error
