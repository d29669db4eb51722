"""One optimizer step under ModalityBalanceHook, by one process or by two; run by its test.

``python balanced_step.py OUT RANK``: two such processes (RANK 0 and 1) meet in the folder OUT.
Each takes two micro-batches of two clips, scales the loss and writes what it ends with to
OUT/two_RANK.pt. Process 0 also does the same step alone, with all eight clips in one batch of
plain float32: OUT/one.pt.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import MessageHub
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.registry import DefaultScope
from torch import distributed

from egomm.apis import launch
from egomm.hooks import ModalityBalanceHook
from egomm.registry import MODELS

TINY = Path(__file__).parents[1] / 'tools' / 'tiny'
sys.path.insert(0, str(TINY))
from random_clips import RandomClips  # noqa: E402

# Clips by process and micro-batch. Three verbs and two nouns in each micro-batch of all processes,
# so that the mean of their means is the mean of the eight; the processes' shares differ.
CLIPS = [[[1, 5], [12, 4]], [[2, 6], [7, 11]]]


class ScaledOptimWrapper(AmpOptimWrapper):
    """MMEngine's order of unscaling, clipping and stepping, on a CPU and without autocast."""

    optim_context = OptimWrapper.optim_context

    def __init__(self, **arguments):
        OptimWrapper.__init__(self, **arguments)
        self._scale_update_param = None
        self.loss_scaler = torch.amp.GradScaler('cpu')


def build_model():
    torch.manual_seed(0)
    config = Config.fromfile(TINY / 'config.py').model
    channels = dict.fromkeys(config.backbones, config.neck.out_channels)
    config.neck = dict(type='ConcatFusion', in_channels=channels)
    for head in config.heads.values():
        head.update(source='fused', in_channels=sum(channels.values()))
    with DefaultScope.overwrite_default_scope('egomm'):
        model = MODELS.build(config)
    with torch.no_grad():
        model.heads.verb.linear.weight.mul_(100)  # scores that differ
    return model


def step(model, wrapper, batches, noise):
    """Train on the micro-batches of one step; what was logged, and gradients and weights after."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    result = {}

    def keep(*_):
        result['gradients'] = {
            name.removeprefix('module.'): parameter.grad.clone()
            for name, parameter in model.named_parameters()
        }

    runner = SimpleNamespace(
        model=model,
        seed=3,
        epoch=0,
        iter=2 - len(batches),  # the noise is the iteration's, and both shall step in the same one
        message_hub=MessageHub(f'hub of {wrapper.__name__} {noise}'),
        optim_wrapper=wrapper(
            optimizer=optimizer,
            accumulative_counts=len(batches),
            clip_grad=dict(max_norm=0.1),
        ),
    )
    hook = ModalityBalanceHook(task='verb', alpha=0.5, noise=noise)
    hook.before_train(runner)
    optimizer.register_step_post_hook(keep)
    model.train()
    clips = RandomClips(size=20)
    for index, batch in enumerate(batches):
        data = pseudo_collate([clips[clip] for clip in batch])
        hook.before_train_iter(runner, index, data)
        model.train_step(data, runner.optim_wrapper)
        hook.after_train_iter(runner, index)
        runner.iter += 1
    hook.after_train(runner)
    scalars = runner.message_hub.log_scalars
    result['logged'] = {name: float(value.current()) for name, value in scalars.items()}
    result['weights'] = {
        name.removeprefix('module.'): value for name, value in model.state_dict().items()
    }
    return result


def main(out, rank):
    torch.set_num_threads(1)
    if rank == 0:
        everything = [clip for batches in zip(*CLIPS) for part in batches for clip in part]
        alone = [step(build_model(), OptimWrapper, [everything], noise) for noise in (False, True)]
        torch.save(alone, out / 'one.pt')
    distributed.init_process_group(
        'gloo', init_method=f'file://{out}/meeting', rank=rank, world_size=2
    )
    results = []
    for noise in (False, True):
        model = MMDistributedDataParallel(build_model())
        results.append(step(model, ScaledOptimWrapper, CLIPS[rank], noise))
    torch.save(results, out / f'two_{rank}.pt')
    launch.leave_process_group()


if __name__ == '__main__':
    main(Path(sys.argv[1]), int(sys.argv[2]))
