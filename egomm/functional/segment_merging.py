"""One list of segments from those of several models that cannot share their raw outputs.

Source: the entries of Action Sensitivity Learning to the Ego4D challenges (arXiv:2306.09172): top
lists of two systems for queries, merged by confidence.
"""

from collections.abc import Sequence

from egomm.functional.segment_files import Answers, Moments, best_first, query_key
from egomm.functional.wording import first_names


def merge_moments(
    systems: Sequence[Moments],
    sigma: float = 0.99,
    min_score: float = 1e-4,
    max_segments: int = 2000,
) -> Moments:
    """All moments of a clip together, then soft-NMS within each class.

    Scores are taken as they are, so the models have to mean the same by them. One system alone
    stays as it is.

    Args:
        systems: Moments of the same clips, one entry a model.
        sigma: As in `soft_nms`.
        min_score: As in `soft_nms`.
        max_segments: Moments to keep of a clip, over all classes.

    Raises:
        ValueError: If the systems differ in their clips.
    """
    _check_same('clips', [list(system) for system in systems])
    if len(systems) == 1:
        return {clip: best_first(rows) for clip, rows in systems[0].items()}
    import torch  # one system is scored and submitted without it

    from egomm.functional.nms import multiclass_soft_nms

    merged = {}
    for clip in systems[0]:
        rows = [row for system in systems for row in system[clip]]
        names = sorted({row['label'] for row in rows})
        _, scores, index = multiclass_soft_nms(
            torch.tensor([row['segment'] for row in rows], dtype=torch.float64).reshape(-1, 2),
            torch.tensor([row['score'] for row in rows], dtype=torch.float64),
            torch.tensor([names.index(row['label']) for row in rows], dtype=torch.int64),
            sigma,
            min_score,
            max_segments,
        )
        merged[clip] = [
            {**rows[row], 'score': score} for row, score in zip(index.tolist(), scores.tolist())
        ]
    return merged


def merge_answers(systems: Sequence[Answers], keep: int = 5) -> Answers:
    """The most confident windows of each query.

    Args:
        systems: Answers to the same queries, one entry a model; with several every answer has
            ``scores``.
        keep: Windows to keep of a query.

    Returns:
        Answers in the order of the first system; of equal scores those of the earlier system come
        first.

    Raises:
        ValueError: If the systems differ in their queries, one answers a query twice, or scores
            are wanted and absent.
    """
    _check_same('queries', [[_name(row) for row in system] for system in systems])
    if any('scores' not in row for system in systems for row in system):
        if len(systems) > 1:
            raise ValueError(
                'Merging by confidence wants scores of every window; a file has answers without '
                '`scores`, such as a submission. Give files of tools/test.py --results.'
            )
        return [{**row, 'predicted_times': row['predicted_times'][:keep]} for row in systems[0]]
    rows_of = [{query_key(row): row for row in system} for system in systems]
    merged = []
    for row in systems[0]:
        pairs = [
            pair
            for rows in rows_of
            for pair in zip(rows[query_key(row)]['scores'], rows[query_key(row)]['predicted_times'])
        ]
        best = sorted(pairs, key=lambda pair: -pair[0])[:keep]
        merged.append(
            {
                **row,
                'predicted_times': [window for _, window in best],
                'scores': [score for score, _ in best],
            }
        )
    return merged


def _name(row: dict) -> str:
    return '{} {}_{}'.format(*query_key(row))


def _check_same(what: str, names: Sequence[list[str]]) -> None:
    for number, found in enumerate(names, start=1):
        first, these = set(names[0]), set(found)
        if len(these) < len(found):
            raise ValueError(f'File {number} has some {what} more than once. Write it anew.')
        if first != these:
            differ = sorted(first ^ these)
            raise ValueError(
                f'Merging wants the same {what} in every file; file 1 has {len(first)}, file '
                f'{number} has {len(these)}, and {len(differ)} are in one of them only: '
                f'{first_names(differ)}. Make all files from the same annotations.'
            )
