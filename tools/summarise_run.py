"""Numbers and pictures of a trained recognizer: how good it is, what it owes to each modality.

    python tools/test.py CONFIG CHECKPOINT --dump work_dirs/run/predictions.pkl
    python tools/summarise_run.py CONFIG CHECKPOINT work_dirs/run/predictions.pkl

Writes metrics.json, curves.png, confusion_verb.png, confusion_noun.png, modalities.png and
clips.png beside the predictions, and prints the numbers. The tests with one modality masked are
run here, with one pass over the clips. Where the data is there it also draws

* attention_by_class.png, from `record=('attention',)` of the model;
* confidence.png, from `record=('unimodal_verb', 'unimodal_noun')`;
* attention_training.png and unimodal_training.png, of what `AllocationLoss` and `UnimodalHeads`
  logged, and task_conflict.png, of what `TaskConflictHook` did.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402

from egomm.apis import launch  # noqa: E402
from egomm.apis.answers import (  # noqa: E402
    TASKS,
    Sample,
    accuracies,
    check_heads,
    first_answers,
    labelled,
    read_dump,
    true_classes,
)
from egomm.functional.scores import (  # noqa: E402
    confusion_matrix,
    majority_share,
    rank_classes,
    wilson_interval,
)


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Numbers and pictures of a trained recognizer.')
    launch.add_common_arguments(parser)
    parser.add_argument('checkpoint', help='path of the checkpoint')
    parser.add_argument('dump', help='what tools/test.py --dump wrote with this checkpoint')
    parser.add_argument('--clips', type=int, default=8, help='how many clips to show')
    return parser.parse_args(arguments)


def measure(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Top-1 of each task beside the numbers it has to beat, in percent."""
    truth = true_classes(samples)
    labels = dict(verb=truth[:, 0], noun=truth[:, 1], action=truth)
    report = {}
    for task, top1 in accuracies(samples).items():
        successes = round(top1 * len(samples) / 100)
        majority = majority_share(labels[task])
        report[task] = dict(
            top1=top1,
            lower95=100 * wilson_interval(successes, len(samples))[0],
            majority=majority,
            ratio=top1 / majority,
        )
    for name, key in (('product_of_accuracies', 'top1'), ('product_of_majorities', 'majority')):
        report['action'][name] = report['verb'][key] * report['noun'][key] / 100
    return report


def check_answers(samples: Sequence[Sample], model: Any) -> None:
    """Refuse a dump of another model."""
    check_heads(model.heads)
    for task in TASKS:
        found = {np.shape(sample['pred'].get(task)) for sample in samples}
        # A head of one's own need not say how many; then all have to be as the first.
        classes = getattr(model.heads[task], 'num_classes', np.size(samples[0]['pred'].get(task)))
        labels = [int(sample['gt'][task]) for sample in samples]
        if found != {(classes,)} or not 0 <= min(labels) <= max(labels) < classes:
            raise ValueError(
                f'The head of the model has {classes} {task} classes, but the dump has scores '
                f'{sorted(found)} and labels from {min(labels)} to {max(labels)}. Give the config '
                'and the checkpoint that the dump was made with.'
            )


def keep_frames(batches: Iterable[dict], ids: set[str], frames: dict) -> Iterator[dict]:
    """The batches as they are; on the way, the RGB of some clips goes into ``frames``."""
    for batch in batches:
        if 'rgb' in batch['inputs']:
            for sample, clip in zip(batch['data_samples'], batch['inputs']['rgb']):
                if sample.narration_id in ids:
                    frames[sample.narration_id] = clip.clone()  # not a view of the whole batch
        yield batch


def without_each_modality(
    model: Any, batches: Iterable[dict], samples: Sequence[Sample]
) -> dict[str, dict[str, float]]:
    """How top-1 changes with one modality masked, in points, on the clips that have another."""
    from egomm.apis.subsets import predict_subsets

    subsets = {
        modality: tuple(name for name in model.backbones if name != modality)
        for modality in model.backbones
        if len(model.backbones) > 1
    }
    whole = {sample['narration_id']: sample for sample in samples}
    changes = {}
    predicted = predict_subsets(model, batches, list(subsets.values()))
    for modality, subset in subsets.items():
        rest = [clip for clip in labelled(predicted[subset]) if clip['narration_id'] in whole]
        if not rest:
            continue
        before = accuracies([whole[sample['narration_id']] for sample in rest])
        after = accuracies(rest)
        changes[modality] = {task: after[task] - before[task] for task in after}
    return changes


def class_names(config: Any, task: str, count: int) -> list[str]:
    """Names from the official class file beside the annotations, or else numbers."""
    from egomm.datasets.annotations import read_class_names

    dataset = config.test_dataloader.dataset
    folder = Path(dataset.get('data_root', ''), dataset.ann_file).parent
    path = folder / f'EPIC_100_{task}_classes.csv'
    return list(read_class_names(str(path))) if path.is_file() else [str(i) for i in range(count)]


def participants(config: Any) -> dict[str, set[str]]:
    """Who is in the training part and who is in the test part."""
    from egomm.datasets.clips import ClipDataset
    from egomm.registry import DATASETS

    found = {}
    for part in ('train', 'test'):
        kind = config[f'{part}_dataloader'].dataset.type
        if not issubclass(DATASETS.get(kind), ClipDataset):
            raise ValueError(
                f'Clips are drawn and named by their annotations, but {part}_dataloader has the '
                f'data set {kind}. Summarise a run on clips, such as those of EpicKitchens.'
            )
        settings = dict(config[f'{part}_dataloader'].dataset, pipeline=[], check_files=False)
        dataset = DATASETS.build(settings)
        found[part] = {
            dataset.get_data_info(index)['participant_id'] for index in range(len(dataset))
        }
    return found


def spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    """At most ``count`` samples, evenly spread over all."""
    places = np.linspace(0, len(samples) - 1, min(count, len(samples))).round().astype(int)
    return [samples[place] for place in places]


def pictures_of_clips(
    samples: Sequence[Sample], frames: dict, model: Any, names: dict[str, list[str]]
) -> list:
    """Clips with answers and attention; those without RGB are left out."""
    from egomm.visualization.drawing import ClipPicture

    pictures = []
    for sample in samples:
        clip = frames.get(sample['narration_id'])
        if clip is None:
            continue
        predictions = {}
        for task in TASKS:
            logits = np.asarray(sample['pred'][task], dtype=np.float64)
            chances = np.exp(logits - logits.max())
            best = rank_classes(logits[None], 3)[0]
            predictions[task] = [(names[task][i], chances[i] / chances.sum()) for i in best]
        shares = {}
        if 'attention' in sample['pred']:  # (heads, tasks, modalities)
            mass = np.asarray(sample['pred']['attention']).mean(axis=0)
            shares = {
                task: dict(zip(model.neck.modalities, map(float, mass[index])))
                for index, task in enumerate(model.neck.tasks)
            }
        pictures.append(
            ClipPicture(
                title=sample['narration_id'],
                frames=clip.permute(1, 2, 3, 0).numpy(),
                truth={task: names[task][int(sample['gt'][task])] for task in TASKS},
                predictions=predictions,
                shares=shares,
            )
        )
    return pictures


def draw_answers(
    samples: Sequence[Sample],
    changes: dict,
    pictures: list,
    names: dict[str, list[str]],
) -> dict:
    """Figures of the answers, by the name of their file."""
    from egomm.visualization.drawing import bars, confusion, contact_sheet

    figures = {}
    answers, truth = first_answers(samples), true_classes(samples)
    for index, task in enumerate(TASKS):
        counts = confusion_matrix(answers[:, index], truth[:, index], len(names[task]))
        title = f'{task}: truth and answer'
        figures[f'confusion_{task}.png'] = confusion(counts, names[task], title)
    if changes:
        by_task = {
            task: {name: change[task] for name, change in changes.items()}
            for task in (*TASKS, 'action')
        }
        figures['modalities.png'] = bars(
            by_task, 'change of top-1, points', 'one modality masked at test'
        )
    if pictures:
        figures['clips.png'] = contact_sheet(pictures)
    return figures


def draw_training(work_dir: Path, modalities: Sequence[str]) -> dict:
    """Figures of what was logged while training, by the name of their file."""
    from egomm.visualization import history
    from egomm.visualization.drawing import curves

    logged = history.read_history(work_dir)
    panels = {
        'curves.png': history.learning(logged, TASKS),
        'attention_training.png': history.attention_shares(logged, TASKS, modalities),
        'unimodal_training.png': history.unimodal(logged, TASKS, modalities),
        'task_conflict.png': history.task_conflict(logged),
    }
    return {name: curves(panel) for name, panel in panels.items() if panel}


def draw_modalities(
    samples: Sequence[Sample], shown: Sequence[Sample], model: Any, names: dict[str, list[str]]
) -> dict:
    """Figures of recorded attention and unimodal predictions, by the name of their file."""
    from egomm.models.parts.unimodal import UnimodalHeads
    from egomm.visualization.modalities import (
        class_shares,
        clip_confidence,
        confidence_panels,
        share_heatmaps,
    )

    figures = {}
    if 'attention' in samples[0]['pred']:
        modalities = model.neck.modalities
        tables = {
            task: class_shares(samples, task, place, modalities, names[task])
            for place, task in enumerate(model.neck.tasks)
            if task in names
        }
        figures['attention_by_class.png'] = share_heatmaps(tables, modalities)
    heads = [part for part in model.parts.values() if isinstance(part, UnimodalHeads)]
    recorded = {task: names[task] for task in TASKS if f'unimodal_{task}' in samples[0]['pred']}
    if heads and recorded:
        clips = [clip_confidence(sample, list(heads[0].in_channels), recorded) for sample in shown]
        figures['confidence.png'] = confidence_panels(clips)
    return figures


def show(metrics: dict) -> None:
    """Print the numbers as two small tables."""
    people = metrics['participants']
    shared = people['shared_with_train']
    print(
        f'\n{metrics["clips"]} clips of {", ".join(people["test"])}: '
        + (f'{", ".join(shared)} also in training' if shared else 'nobody of them in training')
    )
    print(f'\n{"":8}{"top-1 %":>9}{"95 % lower":>12}{"majority":>10}{"ratio":>7}')
    for task, row in metrics['top1'].items():
        print(
            f'{task:8}{row["top1"]:9.1f}{row["lower95"]:12.1f}{row["majority"]:10.1f}'
            f'{row["ratio"]:7.1f}'
        )
    action = metrics['top1']['action']
    print(
        f'action, if verb and noun erred independently: {action["product_of_accuracies"]:.1f}; '
        f'if both were the commonest class: {action["product_of_majorities"]:.1f}'
    )
    print(
        f'\nChange of top-1, in points, with one modality masked at test\n{"":8}'
        + ''.join(f'{task:>9}' for task in metrics['top1'])
    )
    for modality, change in metrics['without'].items():
        print(f'{modality:8}' + ''.join(f'{change[task]:+9.1f}' for task in metrics['top1']))


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    config = launch.load_config(args)
    config.merge_from_dict(args.cfg_options)
    from mmengine.registry import init_default_scope

    init_default_scope(config.get('default_scope', 'egomm'))
    out = Path(args.dump).parent
    samples = labelled(read_dump(args.dump))
    if not samples:
        raise ValueError(
            f'{args.dump} has no sample with a label for each of {list(TASKS)}. '
            'Evaluate a part that has labels.'
        )
    from mmengine.runner import Runner

    from egomm.apis.load import load_model

    model = load_model(config, args.checkpoint)
    check_answers(samples, model)
    top1, people = measure(samples), participants(config)
    print('testing without each modality ...', flush=True)
    shown, frames = spread(samples, args.clips), {}
    batches = keep_frames(
        Runner.build_dataloader(config.test_dataloader, seed=0),
        {sample['narration_id'] for sample in shown},
        frames,
    )
    changes = without_each_modality(model, batches, samples)
    names = {task: class_names(config, task, len(samples[0]['pred'][task])) for task in TASKS}
    metrics = dict(
        clips=len(samples),
        top1=top1,
        without=changes,
        participants=dict(
            test=sorted(people['test']), shared_with_train=sorted(people['test'] & people['train'])
        ),
    )
    (out / 'metrics.json').write_text(json.dumps(metrics, indent=2) + '\n')
    print('drawing ...', flush=True)
    pictures = pictures_of_clips(shown, frames, model, names)
    figures = {
        **draw_training(out, list(model.backbones)),
        **draw_answers(samples, changes, pictures, names),
        **draw_modalities(samples, shown, model, names),
    }
    for name, figure in figures.items():
        figure.savefig(out / name)
    show(metrics)
    print(f'\nwritten to {out}: {", ".join(["metrics.json", *figures])}')


if __name__ == '__main__':
    launch.run(main)
