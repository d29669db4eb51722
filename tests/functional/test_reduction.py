import json
import math
import subprocess
import sys
import textwrap

import pytest
import torch

from egomm.functional.reduction import global_mean


def test_mean_of_what_counts():
    result = global_mean(torch.tensor([1.0, 2, 6]), torch.tensor([True, False, True]))
    torch.testing.assert_close(result, torch.tensor(3.5))


def test_what_stands_at_masked_places_does_not_leak():
    values = torch.tensor([1.0, math.nan, math.inf, 3], requires_grad=True)
    mean = global_mean(values, torch.tensor([True, False, False, True]))
    mean.backward()
    assert mean.item() == 2
    assert values.grad.tolist() == [0.5, 0, 0, 0.5]


def test_columns_have_means_of_their_own():
    values = torch.tensor([[1.0, 4.0], [3.0, math.nan]])
    means = global_mean(values, torch.tensor([[True, True], [True, False]]))
    assert means.tolist() == [2.0, 4.0]


@pytest.mark.parametrize('values', [[1.0, math.nan], []])
def test_nothing_labelled_is_zero_with_a_graph(values):
    values = torch.tensor(values, requires_grad=True)
    mean = global_mean(values, torch.zeros(len(values), dtype=torch.bool))
    mean.backward()
    assert mean.item() == 0
    assert values.grad.tolist() == [0] * len(values)


def test_half_precision_is_summed_in_float32():
    values = torch.full((4096,), 100, dtype=torch.float16)  # the sum is beyond float16
    result = global_mean(values, torch.ones(4096, dtype=torch.bool))
    torch.testing.assert_close(result, torch.tensor(100.0))


@pytest.mark.parametrize(
    'values, mask, words',
    [
        (torch.ones(2), torch.ones(3).bool(), r'got \(2,\) and torch\.bool \(3,\)'),
        (torch.ones(2), torch.ones(2), r'got \(2,\) and torch\.float32 \(2,\)'),
        (torch.ones(2, 1, 1), torch.ones(2, 1, 1).bool(), r'got \(2, 1, 1\)'),
    ],
)
def test_other_shapes_and_types_are_refused(values, mask, words):
    with pytest.raises(ValueError, match=words):
        global_mean(values, mask)


# One process with everything and two with uneven parts compute the same linear model's gradient.
PROCESS = textwrap.dedent("""
    import json, sys
    import torch
    from torch import distributed as dist
    from egomm.apis import launch
    from egomm.functional.reduction import global_mean

    rank, file, masks, wrap = int(sys.argv[1]), sys.argv[2], *map(json.loads, sys.argv[3:])
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=f'file://{file}', rank=rank, world_size=2)
    x = torch.arange(14, dtype=torch.float64).sin().reshape(7, 2)
    part = slice(0, 5) if rank == 0 else slice(5, 7)
    model = torch.nn.Linear(2, 1).double()
    with torch.no_grad():
        model.weight.fill_(0.5), model.bias.fill_(0.1)
    forward = torch.nn.parallel.DistributedDataParallel(model) if wrap else model
    answers = []
    for mask in masks:
        model.zero_grad()
        loss = global_mean(forward(x[part]).square().flatten(), torch.tensor(mask)[part])
        loss.backward()
        averaged = [loss.detach()]
        if not wrap:  # what DistributedDataParallel does, at half its time to start
            averaged += [model.weight.grad, model.bias.grad]
        for value in averaged:
            dist.all_reduce(value)
            value /= 2
        answers.append([loss.item(), *model.weight.grad[0].tolist(), model.bias.grad.item()])
    if rank == 0:
        print(json.dumps(answers))
    launch.leave_process_group()
""")
MASKS = [
    [True, False, True, True, True, False, True],
    [True, True, True, False, False, False, False],  # the second process has no label
    [False] * 7,
]


@pytest.mark.parametrize('wrap', [False, pytest.param(True, marks=pytest.mark.long)])
def test_two_processes_average_to_the_gradient_of_one(tmp_path, wrap):
    options = [str(tmp_path / 'store'), json.dumps(MASKS), json.dumps(wrap)]
    processes = [
        subprocess.Popen(
            [sys.executable, '-c', PROCESS, str(rank), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    outputs = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    answers = json.loads(outputs[0][0])

    x = torch.arange(14, dtype=torch.float64).sin().reshape(7, 2)
    for mask, answer in zip(MASKS, answers, strict=True):
        weight = torch.full((2,), 0.5, dtype=torch.float64, requires_grad=True)
        bias = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
        values = (x @ weight + bias).square()
        loss = values[torch.tensor(mask)].sum() / max(sum(mask), 1)
        loss.backward()
        expected = [loss.item(), *weight.grad.tolist(), bias.grad.item()]
        assert answer == pytest.approx(expected, abs=1e-12)
