"""What a run was: everything that has to be equal for its numbers to be comparable."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from os import path as osp
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

import egomm
from egomm.functional.flow_origin import flow_of_training
from egomm.functional.licences import strictest
from egomm.functional.run_cards import NAME
from egomm.functional.whole_files import sha256_of_file, written_beside
from egomm.registry import HOOKS

PACKAGES = ('torch', 'mmengine', 'mmaction2', 'numpy', 'av', 'opencv-python')
LOADERS = ('train', 'val', 'test')


@HOOKS.register_module()
class RunCardHook(Hook):
    """Write ``run_card.json`` into the log folder of every run.

    It holds the seed, versions, the number of processes, of each data set its type and the SHA-256
    of its annotation files and of the manifests of its features, the metrics that score it, the
    licence that data and weights bring, and the whole config. ``tools/analysis/compare_runs.py``
    compares two.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Let weights carry the licence, and how their flow was made, wherever they go."""
        checkpoint.setdefault('meta', {})['licence'] = strictest(runner.cfg)
        flow = flow_of_training(runner.cfg)
        if flow is not None:
            checkpoint['meta']['flow'] = flow

    def before_run(self, runner: Runner) -> None:
        """Write the card."""
        if runner.rank != 0:
            return
        config = runner.cfg.to_dict()
        card = {
            'seed': runner.seed,
            'deterministic': runner.deterministic,
            'processes': runner.world_size,
            'versions': versions(),
            'data': {
                name: data_entry(runner.cfg[f'{name}_dataloader'])
                for name in LOADERS
                if runner.cfg.get(f'{name}_dataloader')
            },
            'protocols': {
                name: metric_types(runner.cfg[f'{name}_evaluator'])
                for name in LOADERS[1:]
                if runner.cfg.get(f'{name}_evaluator')
            },
            'licence': strictest(config),
            'config': config,
        }
        path = Path(runner.log_dir, NAME)
        with written_beside(path) as file:
            file.write((json.dumps(card, indent=1, default=str) + '\n').encode())


def versions() -> dict[str, str | None]:
    """Of egomm, Python and what numbers depend on; None for what is not installed."""
    found: dict[str, str | None] = {'egomm': egomm.__version__, 'python': platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def data_entry(loader: Any) -> dict[str, Any]:
    """Type of a loader's data set and the hash of each file that says what is in it.

    That is annotation files, and of features the manifest; None for one that is not there.
    """
    dataset = loader['dataset']
    given = dataset.get('ann_file') or ()
    files = [given] if isinstance(given, str) else list(given)
    for source in (dataset.get('sources') or {}).values():
        path = source.get('path') if hasattr(source, 'get') else None
        folder = osp.join(dataset.get('data_root') or '', path or '')
        if path and osp.isfile(osp.join(folder, 'manifest.json')):
            files.append(osp.join(path, 'manifest.json'))
    hashes: dict[str, str | None] = {}
    for file in files:
        path = osp.join(dataset.get('data_root') or '', file)
        known = osp.isfile(path)
        hashes[file] = sha256_of_file(path) if known else None
    return dict(type=str(dataset.get('type')), files=hashes)


def metric_types(evaluator: Any) -> list[str]:
    """Names of the metrics of an evaluator."""
    several = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]
    return [str(one.get('type')) for one in several if hasattr(one, 'get')]
