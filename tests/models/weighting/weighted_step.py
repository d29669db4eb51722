"""One optimizer step of three weighed tasks, by one process or by two; run by its test.

``python weighted_step.py OUT RANK``: two such processes (RANK 0 and 1) meet in the folder OUT.
Each takes four clips, scales the loss and writes what it ends with to OUT/two_RANK.pt. Process 0
also does the same step alone, with all eight clips and plain float32: OUT/one.pt.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import MessageHub
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from torch import distributed

from egomm.apis import launch
from egomm.hooks import TaskGradientHook
from egomm.registry import MODELS

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / 'hooks'), str(TESTS / 'tools' / 'tiny')]
from balanced_step import CLIPS, ScaledOptimWrapper  # noqa: E402
from random_clips import RandomClips  # noqa: E402

TASKS = ('verb', 'noun', 'action')
WEIGHTINGS = dict(PCGrad={}, UncertaintyWeights=dict(tasks=TASKS))


def build_model(name):
    """The tiny model with a third head, whose labels process 1 does not have."""
    torch.manual_seed(0)
    config = Config.fromfile(TESTS / 'tools' / 'tiny' / 'config.py').model
    channels = dict.fromkeys(config.backbones, config.neck.out_channels)
    config.neck = dict(type='ConcatFusion', in_channels=channels)
    config.heads.action = config.heads.noun.copy()
    for head in config.heads.values():
        head.update(source='fused', in_channels=sum(channels.values()))
    config.weighting = dict(type=name, **WEIGHTINGS[name])
    with DefaultScope.overwrite_default_scope('egomm'):
        model = MODELS.build(config)
    with torch.no_grad():
        for head in model.heads.values():
            head.linear.weight.mul_(30)
        # Where noun and action are the same class, they want opposite things.
        model.heads.action.linear.weight.copy_(-model.heads.noun.linear.weight)
        for value in model.weighting.parameters():
            value.fill_(0.3)
    return model


def step(model, wrapper, clips):
    """Train on the clips; what was logged, and gradients and weights after."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    gradients = {}

    def keep(*_):
        for name, parameter in model.named_parameters():
            gradients[name.removeprefix('module.')] = parameter.grad.clone()

    optimizer.register_step_post_hook(keep)
    hub = MessageHub(f'hub of {wrapper.__name__} {type(model).__name__} {id(model)}')
    wrapper = wrapper(optimizer=optimizer, clip_grad=dict(max_norm=10.0))
    runner = SimpleNamespace(model=model, iter=0, message_hub=hub, optim_wrapper=wrapper)
    hook = TaskGradientHook(interval=1)
    hook.before_train(runner)
    model.train()
    data = pseudo_collate([RandomClips(size=20)[clip] for clip in clips])
    for clip, sample in zip(clips, data['data_samples']):
        if clip in CLIPS[0][0]:
            sample.gt['action'] = sample.gt['noun']
    torch.manual_seed(1)  # PCGrad draws an order
    logged = model.train_step(data, wrapper)
    hook.after_train(runner)
    logged |= {name: torch.tensor(hub.log_scalars[name].current()) for name in hub.log_scalars}
    weights = {name.removeprefix('module.'): value for name, value in model.state_dict().items()}
    return dict(gradients=gradients, weights=weights, logged=logged)


def main(out, rank):
    torch.set_num_threads(1)
    clips = [sum(batches, []) for batches in CLIPS]
    if rank == 0:
        everything = clips[0] + clips[1]
        alone = {name: step(build_model(name), OptimWrapper, everything) for name in WEIGHTINGS}
        torch.save(alone, out / 'one.pt')
    distributed.init_process_group(
        'gloo', init_method=f'file://{out}/meeting', rank=rank, world_size=2
    )
    results = {}
    for name in WEIGHTINGS:
        model = MMDistributedDataParallel(build_model(name))
        results[name] = step(model, ScaledOptimWrapper, clips[rank])
    torch.save(results, out / f'two_{rank}.pt')
    launch.leave_process_group()


if __name__ == '__main__':
    main(Path(sys.argv[1]), int(sys.argv[2]))
