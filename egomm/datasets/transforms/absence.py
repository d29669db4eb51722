"""Training without some of the modalities, so that a model learns to do without them.

Source: ModDrop (Neverova et al., 2015, arXiv:1501.00102), per clip and per modality.
"""

from collections.abc import Mapping

from mmcv.transforms import BaseTransform

from egomm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class DropModalities(BaseTransform):
    """Mark modalities of a clip as absent at random; the last one that is there always stays.

    Stands just before `PackSample`. The data keep their shape, and the data preprocessor zeroes
    and masks them like those of a clip that lacks the modality. It draws after everything else, so
    times, crop and flip of a clip are those of training without it.

    All modalities that were loaded take part: load no modality that is not packed.

    Args:
        prob: How often a modality is dropped: one number for all, or numbers by name
            (``dict(audio=0.5)``; one that is not named is never dropped).

    Raises:
        ValueError: If a probability is outside 0..1, or a name is that of no modality of the clip.
    """

    def __init__(self, prob: float | Mapping[str, float]) -> None:
        values = list(prob.values()) if isinstance(prob, Mapping) else [prob]
        if not all(0 <= value <= 1 for value in values):
            raise ValueError(
                f'DropModalities wants probabilities within 0..1; got prob={prob!r}. Give one '
                'number, or a dict of numbers by modality.'
            )
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Change ``present``; as much is drawn for every clip, whatever it lacks."""
        present = results['present']
        unknown = sorted(set(self.prob) - set(present)) if isinstance(self.prob, Mapping) else []
        if unknown:
            raise ValueError(
                f'DropModalities(prob={dict(self.prob)!r}): {unknown} is none of {list(present)}, '
                'which the steps before it have loaded. Correct the name, or put the step after '
                'the loaders.'
            )
        draws, order = results['rng'].random(len(present)), results['rng'].permutation(len(present))
        names = list(present)
        dropped = {
            name for name, draw in zip(names, draws, strict=True) if draw < self._probability(name)
        }
        there = [names[place] for place in order if present[names[place]]]
        if dropped.issuperset(there):
            dropped.difference_update(there[:1])  # each of them is as likely to stay
        results['present'] = {name: real and name not in dropped for name, real in present.items()}
        return results

    def _probability(self, name: str) -> float:
        return self.prob.get(name, 0.0) if isinstance(self.prob, Mapping) else self.prob
