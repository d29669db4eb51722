"""Reading hands at the sampled frames.

Shapes: N = sampled frames.
"""

from mmcv.transforms import BaseTransform

from egomm.datasets.hands import read_hands
from egomm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadHands(BaseTransform):
    """Add ``points['hands']`` (N, 2, 3) float32: x, y and visibility of left and right hand.

    x and y are in 0..1 of the original frame. A clip without a file of hands gets no points, so it
    is without that label, which `PointTargets` makes of the points; a track that ends before the
    clip leaves the rest of it without visible hands. The file is found by the dataset's sources::

        hands=dict(type='tracks', path='hand_tracks/{video}/{clip}.json')
    """

    loads_tasks = ('hands',)  # labels that no annotation file needs to have

    def transform(self, results: dict) -> dict:
        """Add ``points['hands']``.

        Raises:
            ValueError: If the dataset has no source of hands, nothing is sampled yet, or the file
                is broken.
        """
        if 'hands' not in results['sources'] or 'frame_indices' not in results:
            raise ValueError(
                f'LoadHands reads at sampled frames from a source of hands; the dataset has '
                f'sources for {sorted(results["sources"])}, and frames are '
                f'{"" if "frame_indices" in results else "not "}sampled. Add sources["hands"] to '
                'the dataset, and put the sampling before LoadHands in the pipeline.'
            )
        source = results['sources']['hands']
        if source is not None:
            points = read_hands(source['path']).at(results['frame_indices'])
            results.setdefault('points', {})['hands'] = points
        return results
