"""Counting over workers: once per clip, by name, until it is too much."""

import multiprocessing

import pytest

from egomm.datasets.budget import ClipCounter, FailureBudget


def test_a_clip_counts_once_and_one_may_always_fail():
    budget = FailureBudget(size=10, share=0.001)
    assert budget.record(3, 'clip 3: cut off')
    assert not budget.record(3, 'clip 3: cut off')
    assert 3 in budget
    assert 4 not in budget
    assert len(budget) == 1
    with pytest.raises(
        RuntimeError,
        match=(
            r'2 of 10 clips could not be read; failure_budget=0.001 allows 1:\n'
            r'  clip 3: cut off\n  clip 4: gone\nRepair or fetch'
        ),
    ):
        budget.record(4, 'clip 4: gone')


def test_share_gives_the_limit():
    budget = FailureBudget(size=100, share=0.05)
    for clip in range(5):
        budget.record(clip, f'clip {clip}')
    with pytest.raises(RuntimeError, match='6 of 100'):
        budget.record(5, 'clip 5')


def test_nothing_readable_stops_although_one_may_fail():
    with pytest.raises(RuntimeError, match='1 of 1 clips'):
        FailureBudget(size=1, share=0.001).record(0, 'clip 0')


def test_share_outside_0_to_1_is_refused():
    with pytest.raises(ValueError, match='share of the clips.*got 5'):
        FailureBudget(size=10, share=5)


def test_long_and_many_notes_are_cut():
    budget = FailureBudget(size=1000, share=0.5)
    for clip in range(60):
        budget.record(clip, 'é' * 1000)
    assert len(budget) == 60
    assert budget.notes() == ['é' * 200] * 50


def _record(budget, counter):
    budget.record(7, 'clip 7: seen by a child')
    counter.record(2, 'silent')


@pytest.mark.parametrize('method', ['fork', 'spawn'])
def test_counts_of_other_processes_arrive(method):
    budget, counter = FailureBudget(size=20, share=0.5), ClipCounter(20, ('whole', 'silent'))
    process = multiprocessing.get_context(method).Process(target=_record, args=(budget, counter))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert 7 in budget
    assert budget.notes() == ['clip 7: seen by a child']
    assert counter.counts() == {'whole': 0, 'silent': 1}


def test_a_clip_counts_under_its_last_condition():
    counter = ClipCounter(5, ('whole', 'silent'))
    counter.record(0, 'whole')
    counter.record(1, 'silent')
    counter.record(1, 'whole')
    assert counter.counts() == {'whole': 2, 'silent': 0}
