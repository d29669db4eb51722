"""What one trained model does with a part of its modalities.

The encoders run once a batch; the neck and the heads run for each subset with the other
modalities masked. As nothing of what is masked gets through a neck, that equals a test with
``data_preprocessor.drop``.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from egomm.apis.answers import Sample, accuracies, labelled, mean_class_accuracies
from egomm.models import MultiIOModel
from egomm.structures import Stream

Subset = tuple[str, ...]


def non_empty_subsets(names: Iterable[str]) -> list[Subset]:
    """All of them first, then ever fewer: ``2 ** len(names) - 1`` subsets, in order of names."""
    names = tuple(names)
    return [part for size in range(len(names), 0, -1) for part in combinations(names, size)]


@torch.inference_mode()
def predict_subsets(
    model: MultiIOModel, batches: Iterable[dict], subsets: Sequence[Subset]
) -> dict[Subset, list[Sample]]:
    """Predictions of every clip from each subset of modalities.

    Args:
        model: In evaluation mode.
        batches: Collated batches of a loader; each is read once.
        subsets: Names of modalities that are left.

    Returns:
        By subset, a sample a clip: ``narration_id``, ``gt`` and ``pred``. A clip that has none of
        the subset is left out, as there is nothing to recognise.
    """
    samples: dict[Subset, list[Sample]] = {subset: [] for subset in subsets}
    for batch in batches:
        data = model.data_preprocessor(batch, False)
        streams = model.encode(data['inputs'])
        present = {name: _present(stream) for name, stream in streams.items()}
        for subset in subsets:
            rows = torch.stack([present[name] for name in subset]).any(dim=0)
            clips = [clip for clip, has in zip(data['data_samples'], rows.tolist()) if has]
            if not clips:
                continue
            outputs = model.join(
                {name: _rows(stream, rows, name in subset) for name, stream in streams.items()}
            )
            metas = [clip.metainfo for clip in clips]
            answers = {
                task: head.predict(outputs[head.source], metas)
                for task, head in model.heads.items()
            }
            samples[subset] += [
                dict(
                    narration_id=clip.narration_id,
                    gt=clip.gt,
                    pred={task: values[row] for task, values in answers.items()},
                )
                for row, clip in enumerate(clips)
            ]
    return samples


def score_subsets(samples: dict[Subset, list[Sample]], total: int) -> list[dict[str, Any]]:
    """One row a subset, the best action top-1 first.

    Args:
        samples: What `predict_subsets` returned.
        total: Number of clips there are.

    Returns:
        Rows with ``modalities``, ``clips`` (scored: labelled and with one of the modalities),
        ``excluded`` (without any of them), ``top1`` and ``mean_class_accuracy`` by task in
        percent, empty where no clip is left.
    """
    rows = []
    for subset, found in samples.items():
        scored = labelled(found)
        rows.append(
            dict(
                modalities=list(subset),
                clips=len(scored),
                excluded=total - len(found),
                top1=accuracies(scored) if scored else {},
                mean_class_accuracy=mean_class_accuracies(scored) if scored else {},
            )
        )
    return sorted(rows, key=lambda row: row['top1'].get('action', -1.0), reverse=True)


def _present(stream: Stream) -> Tensor:
    """Which samples have anything real: ``(B,)``."""
    if stream.mask is None:
        return torch.ones(len(stream.x), dtype=torch.bool, device=stream.x.device)
    return stream.mask if stream.mask.dim() == 1 else stream.mask.any(dim=1)


def _rows(stream: Stream, rows: Tensor, keep: bool) -> Stream:
    """The samples marked in ``rows``, masked unless they are to be kept."""
    mask = _present(stream) if stream.mask is None else stream.mask
    return Stream(stream.x[rows], mask[rows] & keep)
