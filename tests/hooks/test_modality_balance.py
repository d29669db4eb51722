import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from torch import nn

from egomm.hooks import ModalityBalanceHook
from egomm.models import ClassificationHead, ClipMixing, ConcatFusion, QueryFusion
from egomm.registry import HOOKS, MODELS
from egomm.structures import EgoSample, Stream

ROOT = Path(__file__).resolve().parents[2]


def make_model(neck=None, source='fused', backbones=('rgb', 'audio'), mixing=None):
    """Encoders of one weight each; the verb head knows class 1 by rgb and, less, by audio."""
    head = ClassificationHead(in_channels=2, num_classes=2, source=source, dropout=0.0)
    with torch.no_grad():
        head.linear.weight.copy_(torch.tensor([[0.0, 0.0], [2.0, 1.0]]))
        head.linear.bias.copy_(torch.tensor([0.0, 0.5]))
    model = nn.Module()
    model.backbones = nn.ModuleDict({name: nn.Linear(1, 1, bias=False) for name in backbones})
    model.neck = neck or ConcatFusion(in_channels=dict(rgb=1, audio=1))
    model.heads = nn.ModuleDict(dict(verb=head))
    model.mixing = mixing
    for backbone in model.backbones.values():
        nn.init.ones_(backbone.weight)
    return model


class Bench:
    """A runner as far as the hook sees it, and one training step on clips of ones."""

    def __init__(self, model, clip_grad=None, **arguments):
        self.hook = ModalityBalanceHook(**{'task': 'verb', 'alpha': 0.5, **arguments})
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        self.runner = SimpleNamespace(
            model=model,
            seed=0,
            epoch=0,
            iter=0,
            message_hub=MessageHub('bench'),
            optim_wrapper=OptimWrapper(optimizer, clip_grad=clip_grad),
        )
        self.hook.before_train(self.runner)

    def step(self, labels, audio=None, skipped=False):
        """Gradients of the two encoders as the optimizer sees them; all were 1."""
        model, count = self.runner.model, len(labels)
        samples = [EgoSample(gt={} if verb is None else {'verb': verb}) for verb in labels]
        self.hook.before_train_iter(self.runner, 0, dict(data_samples=samples))
        masks = dict(rgb=None, audio=None if audio is None else torch.tensor(audio))
        model.neck({name: Stream(torch.ones(count, 1), mask) for name, mask in masks.items()})
        for backbone in model.backbones.values():
            backbone.weight.grad = torch.ones(1, 1)
        if not skipped:
            self.runner.optim_wrapper.step()
        self.hook.after_train_iter(self.runner, 0)
        return [backbone.weight.grad.item() for backbone in model.backbones.values()]

    @property
    def logged(self):
        scalars = self.runner.message_hub.log_scalars
        return {name.removeprefix('train/ogm/'): scalars[name].current() for name in scalars}


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


# Half of the bias 0.5 goes to each modality.
RGB, AUDIO = sigmoid(2 + 0.25), sigmoid(1 + 0.25)


def test_the_modality_ahead_gets_smaller_gradients():
    bench = Bench(make_model())
    coefficient = 1 - math.tanh(0.5 * RGB / AUDIO)
    assert bench.step([1, 1]) == pytest.approx([coefficient, 1])
    assert bench.logged == pytest.approx(
        dict(rgb_score=RGB, rgb_coefficient=coefficient, audio_score=AUDIO, audio_coefficient=1)
    )


def test_the_clip_comes_first_and_does_not_give_back_what_is_taken():
    bench = Bench(make_model(), clip_grad=dict(max_norm=1.0))
    coefficient = 1 - math.tanh(0.5 * RGB / AUDIO)
    clipped = 1 / math.sqrt(2)  # of two gradients of 1
    assert bench.step([1, 1]) == pytest.approx([coefficient * clipped, clipped], rel=1e-5)


def test_a_rare_modality_is_not_weak_for_being_rare():
    bench = Bench(make_model())
    rare = [True, False, False, False]
    assert bench.step([1, 1, 1, 1], rare) == pytest.approx([1 - math.tanh(0.5 * RGB / AUDIO), 1])


def test_samples_without_label_and_labels_out_of_range_do_not_count():
    bench = Bench(make_model())
    bench.step([1, None, 2, -1])
    assert bench.logged['rgb_score'] == pytest.approx(RGB)


@pytest.mark.parametrize('labels, audio', [([None, None], None), ([1, None], [False, True])])
def test_without_labels_of_two_modalities_nothing_is_scaled(labels, audio):
    bench = Bench(make_model())
    assert bench.step(labels, audio) == [1, 1]
    assert 'audio_score' not in bench.logged


def test_a_step_that_the_scaler_skips_leaves_no_scores_behind():
    bench = Bench(make_model())
    assert bench.step([1, 1], skipped=True) == [1, 1]
    bench.step([0, 0])
    assert bench.logged['rgb_score'] == pytest.approx(1 - RGB)


def test_modulation_acts_from_the_first_to_before_the_last_epoch():
    bench = Bench(make_model(), begin_epoch=1, end_epoch=3)
    scaled = []
    for epoch in range(4):
        bench.runner.epoch = epoch
        scaled.append(bench.step([1])[0] < 1)
    assert scaled == [False, True, True, False]


def test_evaluation_is_not_scored():
    bench = Bench(make_model().eval())
    assert bench.step([1]) == [1, 1]


def test_after_training_model_and_optimizer_are_as_before():
    bench = Bench(make_model())
    bench.hook.after_train(bench.runner)
    assert bench.step([1]) == [1, 1]


def test_noise_reaches_every_encoder_and_depends_on_seed_and_iteration_alone():
    def noisy(seed, iteration):
        torch.manual_seed(len(results))
        bench = Bench(make_model(), noise=True)
        bench.hook._seed = seed
        bench.runner.iter = iteration
        parameter = nn.Parameter(torch.zeros(1000))
        parameter.grad = torch.randn(1000, generator=torch.Generator().manual_seed(0))
        bench.runner.model.backbones['audio'].extra = parameter
        bench.step([1, 1])
        return parameter.grad

    results = []
    for seed, iteration in [(0, 0), (0, 0), (0, 1), (1, 0)]:
        results.append(noisy(seed, iteration))
    first, again, *others = results
    assert first.std().item() == pytest.approx(2**0.5, rel=0.1)  # audio has coefficient 1
    assert torch.equal(first, again)
    assert not any(torch.equal(first, other) for other in others)


@pytest.mark.parametrize(
    'model, arguments, words',
    [
        (dict(), dict(alpha=0), r'wants finite alpha > 0; got 0\. Remove the hook'),
        (dict(), dict(alpha=float('inf')), r'wants finite alpha > 0; got inf'),
        (dict(), dict(task='hands'), r"task='hands', but .* heads for \['verb'\]\. Set `task`"),
        (dict(backbones=('rgb',)), dict(), r"has \['rgb'\]: \['audio'\] missing\. Correct `in_ch"),
        (dict(source='verb'), dict(), r"a ClassificationHead that reads 'verb'\. Use a Classif"),
        (
            dict(neck=ConcatFusion(in_channels=dict(rgb=2))),
            dict(),
            r"two or more modalities, but the neck joins \['rgb'\]\. Remove the hook",
        ),
        (
            dict(
                neck=QueryFusion(
                    in_channels=dict(rgb=2), out_channels=2, tasks=('verb',), num_heads=1
                )
            ),
            dict(),
            r"'contributions', which QueryFusion does not give\. Use a linear fusion such as Conc",
        ),
        (
            dict(mixing=ClipMixing(mixup=1.0)),
            dict(),
            r'by its one label, but the model mixes clips\. Remove `mixing`',
        ),
    ],
)
def test_what_the_hook_cannot_work_with_is_named(model, arguments, words):
    with pytest.raises(ValueError, match=words):
        Bench(make_model(**model), **arguments)


@pytest.mark.parametrize('epochs', [(3, 3), (3, 1), (0, 0), (-2, -1)])
def test_epochs_of_which_none_is_modulated_are_refused(epochs):
    begin, end = epochs
    with pytest.raises(ValueError, match=rf'begin_epoch before end_epoch.*got {begin} and {end}\.'):
        ModalityBalanceHook(task='verb', alpha=0.5, begin_epoch=begin, end_epoch=end)


@pytest.mark.parametrize('task', ['verb', 'noun'])
def test_the_hook_of_the_config_fits_its_model(task):
    config = Config.fromfile(ROOT / f'configs/toy/mimo_concat-ogm-{task}.py')
    with DefaultScope.overwrite_default_scope('egomm'):
        model = MODELS.build(config.model)
        hook = HOOKS.build(config.default_hooks.modality_balance)
    bench = Bench(make_model())
    bench.runner.model = model
    hook.before_train(bench.runner)
    assert hook.task == task


def test_two_processes_with_two_micro_batches_and_a_scaler_do_what_one_does(tmp_path):
    """Coefficients, the gradients that are applied, and weights; uneven labels and modalities."""
    script = Path(__file__).with_name('balanced_step.py')
    environment = dict(
        os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='-1'
    )
    processes = [
        subprocess.Popen(
            [sys.executable, script, tmp_path, str(rank)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        output = [process.communicate(timeout=120)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], '\n'.join(output)[-5000:]
    one = torch.load(tmp_path / 'one.pt')
    for rank in range(2):
        two = torch.load(tmp_path / f'two_{rank}.pt')
        torch.testing.assert_close(two, one, rtol=0, atol=1e-5)
    plain, noisy = one
    coefficients = [value for name, value in plain['logged'].items() if 'coefficient' in name]
    assert sorted(coefficients)[0] < 0.9
    assert sorted(coefficients)[-1] == 1
    name = 'backbones.rgb.conv.weight'
    assert (noisy['gradients'][name] - plain['gradients'][name]).abs().max() > 1e-3
