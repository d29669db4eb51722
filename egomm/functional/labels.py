"""Verb and noun labels of an annotation file: read, counted, paired.

For parts of a model that know the training labels without the data set: a loss its class counts,
an action head its pairs.

Shapes: N = clips, A = different (verb, noun) pairs.
"""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from egomm.functional.wording import column_names

Integers = NDArray[np.int64]

TASKS = ('verb', 'noun', 'action')
_LAYOUTS = (('verb_class', 'noun_class'), ('verb', 'noun'))


def read_labels(path: str | Path) -> Integers:
    """Verb and noun of every clip of an official EPIC-KITCHENS-100 CSV, or a C2-style one.

    Returns:
        ``(N, 2)`` class ids, last axis (verb, noun), in the order of the file.

    Raises:
        ValueError: If the file is missing, has no label columns or no rows, or a label is no
            class id.
    """
    if not Path(path).is_file():
        raise ValueError(
            f'{path}: no such annotation file; wanted are the labels of the training clips. '
            'Correct the path, or fetch EPIC_100_train.csv from epic-kitchens-100-annotations.'
        )
    labels = []
    with open(path, newline='', encoding='utf-8-sig') as file:
        reader = csv.DictReader(file)
        header = reader.fieldnames or []
        # The official files have columns `verb` and `noun` as well: the words.
        columns = next((names for names in _LAYOUTS if set(names) <= set(header)), None)
        if columns is None:
            raise ValueError(
                f'{path}, line 1: columns verb_class and noun_class, or verb and noun, are '
                f'expected; got {column_names(header)}. Give the annotation file of the '
                'training clips.'
            )
        for row in reader:
            values = [row[name] for name in columns]
            if not all(isinstance(value, str) and value.isdecimal() for value in values):
                raise ValueError(
                    f'{path}, line {reader.line_num}: class ids are expected in {columns}; got '
                    f'{values}. Correct this row.'
                )
            labels.append([int(value) for value in values])
    if not labels:
        raise ValueError(f'{path}: the file has no rows. Fetch it again.')
    return np.array(labels, np.int64)


def distinct_pairs(labels: Integers) -> Integers:
    """The different pairs of ``(N, 2)`` labels: ``(A, 2)``, by verb, then by noun."""
    return np.unique(labels, axis=0)


def count_classes(labels: Integers, task: str) -> Integers:
    """How many clips each class has.

    Args:
        labels: ``(N, 2)`` as `read_labels` gives them.
        task: ``'verb'``, ``'noun'`` or ``'action'``, whose classes are `distinct_pairs`.

    Returns:
        ``(K,)``, up to the largest id that occurs.

    Raises:
        ValueError: If the task is another one.
    """
    if task not in TASKS:
        raise ValueError(f'count_classes wants one of {TASKS} as `task`; got {task!r}.')
    if task == 'action':
        return np.unique(labels, axis=0, return_counts=True)[1].astype(np.int64)
    return np.bincount(labels[:, TASKS.index(task)])
