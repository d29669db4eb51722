"""The segments found in every clip, or for every query, in a file."""

from collections.abc import Sequence
from typing import Any

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from egomm.functional.detection import Found
from egomm.functional.segment_files import SUFFIX, query_key, write_json
from egomm.metrics.found import found_moments, found_named, found_segments
from egomm.registry import METRICS


@METRICS.register_module()
class SegmentFile(BaseMetric):
    """Write moments, actions or answers to queries as JSON (`egomm.functional.segment_files`).

    It needs no labels and gives no numbers: ``tools/score.py`` scores moments and answers,
    ``tools/submit.py`` makes a submission of any. Actions are written like moments, labelled
    ``"verb,noun"``. What a distributed sampler repeats is written once.

    Args:
        path: File to write; its name ends in ``.json``.
        **kwargs: Of ``mmengine.evaluator.BaseMetric``.

    Raises:
        ValueError: If the name has another end. When samples arrive: if a prediction is missing,
            its parts do not belong together or a number is not finite. In the evaluation: if
            nothing came.
    """

    default_prefix = 'segment_file'

    def __init__(self, *, path: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not path.endswith(SUFFIX):
            raise ValueError(f'SegmentFile wants a name that ends in {SUFFIX}; got {path}.')
        self.path = path

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep what was found in one batch: (clip, moments or actions) or an answer."""
        for sample in data_samples:
            tasks = sample['pred'].keys() & {'moment', 'action', 'query'}
            if not tasks:
                raise ValueError(
                    "SegmentFile wants a prediction of 'moment', 'action' or 'query'; that of clip "
                    f'{sample["clip_id"]} has {sorted(sample["pred"])}. Give the model such a head.'
                )
            if 'query' not in tasks:
                found = self._found(sample)
                columns = (part.tolist() for part in found[:2])
                rows = [
                    dict(label=label, score=score, segment=segment)
                    for segment, score, label in zip(*columns, found.labels)
                ]
                self.results.append((sample['clip_id'], rows))
                continue
            name = f'query {sample["annotation_id"]}_{sample["query_index"]}'
            windows, scores, _ = found_segments('SegmentFile', sample, 'query', name)
            self.results.append(
                {
                    'clip_uid': sample['clip_id'],
                    'annotation_uid': sample['annotation_id'],
                    'query_idx': int(sample['query_index']),
                    'predicted_times': windows.tolist(),
                    'scores': scores.tolist(),
                }
            )

    def _found(self, sample: dict) -> Found:
        if 'action' not in sample['pred']:
            return found_moments('SegmentFile', sample, self.dataset_meta)
        pairs = (self.dataset_meta or {}).get('actions')
        if pairs is None:
            raise ValueError(
                "SegmentFile wants the pairs of verb and noun in the dataset's metainfo, under "
                "'actions', to name actions. Give the dataset `actions_from`."
            )
        names = [f'{verb},{noun}' for verb, noun in pairs]
        return found_named('SegmentFile', sample, 'action', names)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Write the file; there are no metrics."""
        if not results:
            raise ValueError('SegmentFile got nothing to write. Check the evaluated dataset.')
        if isinstance(results[0], dict):
            content: Any = list({query_key(answer): answer for answer in results}.values())
            what = 'the answers to {} queries'
        else:
            content, what = dict(results), 'what was found in {} clips'
        write_json(self.path, {'results': content})
        print_log(
            f'Wrote {what.format(len(content))} to {self.path}. Score it with tools/score.py, or '
            'make a submission with tools/submit.py.',
            logger='current',
        )
        return {}
