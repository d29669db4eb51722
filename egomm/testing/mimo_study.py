"""The MIMO part of the study: worlds, encoders, rows and claims.

Every claim stands here with what would confirm and what would refute it, so it was written before
any run.
"""

import csv
import dataclasses
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from egomm.testing.claims import Claim
from egomm.testing.spec import PRESETS, KitchenSpec
from egomm.testing.study import Row
from egomm.testing.toy_kitchen import make_toy_kitchen, print_progress, true_labels

LEARNING_RATES = (5e-3, 1.5e-2, 4.5e-2)
CONFLICTS = (0.0, 1.0)
WIDTH, NARROW = 32, 8  # channels of the encoders; where they are few, two tasks compete for them

ROWS = (
    Row('concat', 'concat', paper=(52.12, 36.37, 24.47)),
    Row('sum', 'sum', paper=(51.62, 37.90, 24.90)),
    Row('gated', 'gated', paper=(53.76, 36.34, 25.25)),
    Row('midlevel', 'midlevel', paper=(52.52, 34.71, 23.92)),
    Row('query', 'query', paper=(54.38, 41.04, 27.81)),
    Row('query-aa', 'query-aa', paper=(55.33, 42.31, 28.52)),
    Row('concat-ogm-verb', 'concat-ogm-verb', paper=(52.53, 36.91, 25.05)),
    Row('concat-ogm-noun', 'concat-ogm-noun', paper=(52.01, 36.77, 24.56)),
)
CONTROLS = (
    Row('query-1token', 'query-1token'),
    Row('concat-2proj', 'concat-2proj'),
    Row('query-uni', 'query-uni'),
    Row('query-aa-shuffled', 'query-aa-shuffled'),
    Row('query-aa-printed', 'query-aa-printed'),
    *(
        Row(
            f'query-aa-{weight:g}',
            'query-aa',
            {'model.parts.allocation.weight': weight},
            tuned_as='query-aa',
        )
        for weight in (0.01, 0.03, 0.3, 1.0)
    ),
    *(
        Row(f'concat-{name}-only', 'concat', modalities=(name,), tuned_as='concat')
        for name in ('rgb', 'flow', 'audio')
    ),
)
# What runs in every world and width: whether the tasks share a feature or have one each.
SHARING = ('concat', 'concat-2proj', 'query', 'query-1token')
# Rows that are another row with re-allocation in evaluation.
REALLOCATED = {'query-aa-ar': 'query-aa', 'query-ar': 'query'}
PAPER_REALLOCATED = {'query-aa-ar': (55.46, 42.66, 28.86)}


CLAIMS = (
    Claim('Query fusion beats concatenation', 'query', 'concat', 27.81 - 24.47),
    Claim('A token a task beats one shared token', 'query', 'query-1token'),
    Claim('Query fusion beats one projection a task', 'query', 'concat-2proj'),
    Claim('Query fusion beats the sum', 'query', 'sum', 27.81 - 24.90),
    Claim('Query fusion beats gating', 'query', 'gated', 27.81 - 25.25),
    Claim('Query fusion beats mid-level fusion', 'query', 'midlevel', 27.81 - 23.92),
    Claim('Allocating helps query fusion', 'query-aa', 'query', 28.52 - 27.81),
    Claim('Allocating helps beyond its unimodal losses', 'query-aa', 'query-uni'),
    Claim('Allocating needs the right entropies', 'query-aa', 'query-aa-shuffled'),
    Claim('The prose beats the printed formula', 'query-aa', 'query-aa-printed'),
    Claim('Re-allocating helps after allocating', 'query-aa-ar', 'query-aa', 28.86 - 28.52),
    Claim('Re-allocating helps without allocating', 'query-ar', 'query'),
    Claim('OGM on the verb helps', 'concat-ogm-verb', 'concat', 25.05 - 24.47),
    Claim('OGM on the noun helps', 'concat-ogm-noun', 'concat', 24.56 - 24.47),
)


def pretraining_world() -> KitchenSpec:
    """Where the encoders learn: other people and pairs, more evidence, half of it in conflict."""
    return dataclasses.replace(
        PRESETS['study'],
        seed=100,
        train_videos=36,
        validation_videos=6,
        test_videos=3,
        conflict=0.5,
        verb_signal=(0.65, 0.95, 0.8),
        noun_signal=(0.95, 0.6, 0.7),
        train_pairs=120,
        test_only_pairs=0,
        images='all',
    )


def study_world(conflict: float) -> KitchenSpec:
    """A world of the study."""
    return dataclasses.replace(PRESETS['study'], conflict=conflict)


def prepare(
    conflict: float,
    root: Path,
    configs: Path,
    encoders: Path,
    say: Callable[[str], None],
) -> tuple[KitchenSpec, Path]:
    """Make what the runs of one world read, or find it there: the world and its tokens.

    Args:
        conflict: The world's knob.
        root: Folder of the study's data.
        configs: Folder of the toy configs.
        encoders: Checkpoint of ``mimo_encoders``.
        say: Takes a line about what is going on.

    Returns:
        The spec of the world, and the folder of its tokens with one folder a split.
    """
    from mmengine.config import Config

    from egomm.apis.extract import extract_tokens

    spec = study_world(conflict)
    world = root / f'conflict{conflict:g}'
    tokens = root / f'tokens_conflict{conflict:g}'
    if all((tokens / split / 'finished').is_file() for split in ('train', 'val', 'test')):
        return spec, tokens
    make_toy_kitchen(world, spec, progress=print_progress)
    label_test_split(world)
    config = Config.fromfile(configs / 'mimo_encoders.py')
    for split, name in (('train', 'train'), ('val', 'validation'), ('test', 'test')):
        loader = config[f'{split}_dataloader']
        loader.dataset.update(
            data_root=f'{world}/', ann_file=f'annotations/EPIC_100_{name}.csv', failure_budget=0.0
        )
        loader.num_workers = 2
    config.test_dataloader.dataset.ann_file = 'annotations/labelled_test.csv'
    extract_tokens(config, str(encoders), tokens, ('train', 'val', 'test'), 'float16', say)
    for split in ('train', 'val', 'test'):
        (tokens / split / 'finished').touch()
    return spec, tokens


def label_test_split(world: Path) -> None:
    """Write ``labelled_test.csv``, the test rows with the truth that loaders do not read."""
    truth = true_labels(world)
    folder = world / 'annotations'
    with (folder / 'EPIC_100_test_timestamps.csv').open(newline='', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row['verb_class'], row['noun_class'] = map(str, truth[row['narration_id']])
    with (folder / 'labelled_test.csv').open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def train_encoders(root: Path, configs: Path, out: Path, say: Callable[[str], None]) -> Path:
    """Train ``mimo_encoders`` on its world, or find its checkpoint."""
    from mmengine.config import Config

    from egomm.apis.launch import build_runner

    checkpoint = out / 'encoders.pth'
    if checkpoint.is_file():
        return checkpoint
    make_toy_kitchen(root / 'pretrain', pretraining_world(), progress=print_progress)
    config = Config.fromfile(configs / 'mimo_encoders.py')
    for split in ('train', 'val', 'test'):
        config[f'{split}_dataloader'].dataset.data_root = f'{root / "pretrain"}/'
    for key in ('tail_verbs', 'tail_nouns', 'unseen'):
        name = Path(config.val_evaluator[key]).name
        config.val_evaluator[key] = str(root / 'pretrain' / 'annotations' / name)
    config.test_evaluator = config.val_evaluator
    config.work_dir, config.launcher = str(out), 'none'
    say(f'training the encoders, log in {out}')
    runner = build_runner(config)
    runner.train()
    shutil.copyfile(out / f'epoch_{runner.max_epochs}.pth', checkpoint.with_suffix('.partial'))
    checkpoint.with_suffix('.partial').replace(checkpoint)
    return checkpoint


def rows_of(conflict: float, width: int) -> list[Row]:
    """The rows that run: all of them in the world of conflict, else those that share or not."""
    rows = (*ROWS, *CONTROLS)
    if (conflict, width) == (1.0, WIDTH):
        return list(rows)
    return [row for row in rows if row.name in SHARING]


def scores_by_row(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[int, dict[str, float]]]:
    """Test scores by row and seed, the re-allocated rows included."""
    table: dict[str, dict[int, dict[str, float]]] = {}
    for result in results:
        table.setdefault(result['row'], {})[result['seed']] = result['scores']['test']
        for name, source in REALLOCATED.items():
            if result['row'] == source and 'reallocated' in result:
                scores = result['reallocated']['scores']['test']
                table.setdefault(name, {})[result['seed']] = scores
    return table
