"""EPIC-KITCHENS-100, EPIC-KITCHENS-55, and whatever is written in their formats."""

from os import path as osp
from typing import Any

from egomm.datasets import annotations
from egomm.datasets.clips import ClipDataset
from egomm.functional.action_ids import action_pairs, many_shot, many_shot_actions
from egomm.registry import DATASETS

VALIDATION_PARTICIPANTS = ('P30', 'P31')


@DATASETS.register_module()
class EpicKitchens(ClipDataset):
    """Clips of EPIC-KITCHENS-100 with a verb and a noun each.

    Args:
        ann_file: Official CSV (train, validation, test) or C2-style CSV; told by its header.
        verb_classes: Number of verb classes, or the official class file.
        noun_classes: The same for nouns.
        **kwargs: Of `ClipDataset`.

    Raises:
        ValueError: For whatever is wrong with the annotation file or the sources; the text names
            the place.
    """

    METAINFO = {'dataset': 'EPIC-KITCHENS-100'}

    def __init__(
        self,
        ann_file: str,
        verb_classes: int | str = 97,
        noun_classes: int | str = 300,
        **kwargs: Any,
    ) -> None:
        super().__init__(ann_file, {'verb': verb_classes, 'noun': noun_classes}, **kwargs)

    def read_records(self) -> list[dict]:
        """Records of the clips, see `egomm.datasets.annotations.read_records`."""
        return annotations.read_records(self.ann_file, self.num_classes)

    @staticmethod
    def read_class_names(path: str) -> list[str]:
        """Keys of an official class file."""
        return annotations.read_class_names(path)


@DATASETS.register_module()
class EpicKitchens55(EpicKitchens):
    """Clips of EPIC-KITCHENS-55 with a verb, a noun and their pair, the action.

    ``narration_id`` is the official ``uid``. Action ids are not official. They are the places in
    ``metainfo['actions']``, a list of (verb, noun) that `action_pairs` makes from all rows of the
    train file in order of their uid, whatever the split; MMEngine keeps the metainfo of the
    training data in every checkpoint (``meta.dataset_meta``). The current train file gives 2,513
    actions; published models count 2,521, from an older file.

    ``metainfo['many_shot']`` lists classes with at least 100 examples, by task: in the training
    part if ``split`` is given (Kapidis et al., 2019), else in all rows (the official lists).

    Args:
        ann_file: ``EPIC_train_action_labels.csv``, or the time stamps of a test set.
        split: ``'val'`` for participants P30 and P31, ``'train'`` for all others, None for all
            rows.
        actions_from: The train file, where ``ann_file`` is another one.
        verb_classes: Number of verb classes, or ``EPIC_verb_classes.csv``.
        noun_classes: The same for nouns.
        **kwargs: Of `ClipDataset`.

    Raises:
        ValueError: For an unknown split and for whatever is wrong with the files.
    """

    METAINFO = {'dataset': 'EPIC-KITCHENS-55'}

    def __init__(
        self,
        ann_file: str,
        split: str | None = None,
        actions_from: str | None = None,
        verb_classes: int | str = 125,
        noun_classes: int | str = 352,
        **kwargs: Any,
    ) -> None:
        if split not in ('train', 'val', None):
            raise ValueError(
                f"EpicKitchens55 wants split 'train', 'val' or None (all rows); got {split!r}."
            )
        self.split = split
        self.actions_from = actions_from
        super().__init__(ann_file, verb_classes, noun_classes, **kwargs)

    def read_records(self) -> list[dict]:
        """Records of the split, with the action where a row has verb and noun."""
        records = super().read_records()
        labelled = records
        if self.actions_from is not None:
            path = osp.join(self.data_root, self.actions_from)
            labelled = annotations.read_records(path, self.num_classes)
        labelled = sorted(
            (record for record in labelled if {'verb', 'noun'} <= record['gt'].keys()),
            key=self._uid,
        )
        verbs, nouns = _labels(labelled)
        pairs = action_pairs(verbs, nouns)
        ids = {pair: number for number, pair in enumerate(pairs)}
        for record in records:
            pair = record['gt'].get('verb'), record['gt'].get('noun')
            if pair in ids:
                record['gt']['action'] = ids[pair]
        if self.split is not None:
            verbs, nouns = _labels(self._of_split(labelled, 'train'))
            records = self._of_split(records, self.split)
        self.num_classes['action'] = len(pairs)
        self._metainfo.update(
            num_classes=dict(self.num_classes),
            actions=pairs,
            many_shot={
                'verb': many_shot(verbs),
                'noun': many_shot(nouns),
                'action': sorted(ids[pair] for pair in many_shot_actions(verbs, nouns)),
            },
        )
        return records

    def _uid(self, record: dict) -> int:
        name = record['narration_id']
        if not name.isdecimal():
            raise ValueError(
                f'{self.actions_from or self.ann_file}: numbers as uid are expected, whose order '
                f'gives the ids of the actions; got {name!r}. Give a file of EPIC-KITCHENS-55, or '
                'take EpicKitchens for one of EPIC-KITCHENS-100.'
            )
        return int(name)

    def _of_split(self, records: list[dict], split: str) -> list[dict]:
        chosen = [
            record
            for record in records
            if (record['participant_id'] in VALIDATION_PARTICIPANTS) == (split == 'val')
        ]
        if not chosen:
            raise ValueError(
                f'{self.ann_file}: no clip is of split {split!r}, which wants participants '
                f'{"out of" if split == "val" else "other than"} {VALIDATION_PARTICIPANTS}. Give '
                'EPIC_train_action_labels.csv, or leave `split` out.'
            )
        return chosen


def _labels(records: list[dict]) -> tuple[list[int], list[int]]:
    return [r['gt']['verb'] for r in records], [r['gt']['noun'] for r in records]
