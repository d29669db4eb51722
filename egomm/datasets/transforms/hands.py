"""Reading hands at the sampled frames.

Shapes: N = sampled frames.
"""

from mmcv.transforms import BaseTransform

from egomm.datasets.hands import read_hands
from egomm.datasets.transforms.points import point_source
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
        source = point_source(results, 'hands', 'LoadHands')
        if source is not None:
            points = read_hands(source['path']).at(results['frame_indices'])
            results.setdefault('points', {})['hands'] = points
        return results
