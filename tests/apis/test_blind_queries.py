import numpy as np
import pytest
import torch

from egomm.apis.blind_queries import (
    choose_epochs,
    encode,
    held_out,
    right_answers,
    score,
    train_blind,
)


def record(clip=0, query='where', window=(0.0, 10.0), index=0, duration=100.0, annotation='a'):
    return dict(
        clip_id=f'clip{clip}',
        annotation_id=f'{annotation}{clip}',
        query_index=index,
        query=query,
        duration=duration,
        window=list(window),
    )


def told_by_words(count):
    """'early' is answered at the start, 'late' at the end."""
    return [
        record(clip, word, window, index)
        for clip in range(count)
        for index, (word, window) in enumerate([('late', (90, 100)), ('early', (0, 10))])
    ]


def told_by_place(count):
    windows = ((0, 10), (45, 55), (90, 100))
    return [
        record(clip, 'where', window, index)
        for clip in range(count)
        for index, window in enumerate(windows)
    ]


def trained(records, use_place):
    *_, model = train_blind(encode(records), 40, 0, use_place)
    return model


@pytest.mark.parametrize(
    'records, use_place, reached',
    [
        (told_by_words(40), False, 1),
        (told_by_place(40), True, 1),
        (told_by_place(40), False, 1 / 3),
    ],
)
def test_what_gives_the_answer_away_is_learned(records, use_place, reached):
    asked = records[:6]
    model = trained(records, use_place)
    answers = model.answer(encode(asked))
    assert score(asked, answers)['recall_1_at_0.5'] == pytest.approx(reached)
    np.testing.assert_allclose(right_answers(asked, answers).mean(axis=0)[1], reached)


def test_further_answers_do_not_repeat_earlier_ones():
    answers = trained(told_by_place(40), False).answer(encode(told_by_place(1)), count=3)
    assert score(told_by_place(1), answers) == pytest.approx(
        {
            'recall_1_at_0.3': 1 / 3,
            'recall_5_at_0.3': 1,
            'recall_1_at_0.5': 1 / 3,
            'recall_5_at_0.5': 1,
            'mean_recall_1': 1 / 3,
            'missing': 0,
        }
    )


def test_a_seed_says_the_whole_training_and_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    first, again, other = (
        list(train_blind(encode(told_by_words(4)), 1, seed, True))[0].words.weight.detach()
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_places_are_shares_of_the_way_through_an_annotation_and_windows_are_cut_at_the_clip():
    rows = [record(index=0), record(index=5), record(1, window=(-10, 250), duration=200)]
    queries = encode(rows)
    assert queries.places.tolist() == [1, 11, 6]  # 1/12 and 11/12 and 1/2 of the way, in twelfths
    assert queries.windows[2].tolist() == [0, 1]


def test_the_length_of_training_is_chosen_on_clips_that_were_left_out():
    records = told_by_words(40)
    held = held_out(records).tolist()
    assert 0 < sum(held) < len(held) / 2
    out = {record['clip_id'] for record, is_out in zip(records, held) if is_out}
    kept = {record['clip_id'] for record, is_out in zip(records, held) if not is_out}
    assert not out & kept
    epochs, scores = choose_epochs(records, False, 0)
    assert scores[epochs - 1] == max(scores)
    assert scores.index(max(scores)) == epochs - 1


def test_queries_without_windows_are_named():
    unlabelled = {**record(index=3), 'window': None}
    with pytest.raises(
        ValueError, match=r"1 of 2 queries have no window, such as \('clip0', 'a0', 3"
    ):
        encode([record(), unlabelled])
