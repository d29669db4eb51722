"""Points in every frame: hands or gaze, as means of heat maps (DSNT).

Source: Kapidis et al., "Multitask Learning to Improve Egocentric Action Recognition" (2019), who
put the layer of Nibali et al. (2018) on the last map of MFNet-3D. The finer map follows Xiao et
al., "Simple Baselines for Human Pose Estimation" (2018).

Shapes: B = batch, C = channels, T = steps, L = points a step, H, W = cells of a heat map.
"""

from collections.abc import Sequence
from math import inf

import numpy as np
import torch
from torch import Tensor, nn

from egomm.functional.dsnt import expectation, gaussian, js_divergence, spatial_softmax
from egomm.functional.reduction import global_mean
from egomm.models.layers.channels import check_channels
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class CoordinateHead(nn.Module):
    """A pointwise convolution, a softmax over each frame's cells, and the mean cell as the point.

    The loss is the distance of the point plus the divergence of its heat map from a bell around
    the target. Points that are not visible count nothing. All of it is computed in float32, also
    under autocast: half precision cannot hold the logarithms.

    A mean of cells never reaches the border of the image: with 7 cells it stays within 6/7, the
    outer 15.5 of 224 pixels cannot be met. The log has the share of such targets.

    Args:
        in_channels: C of the source stream, a map over time and space.
        num_points: L: 1 for gaze, 2 for left and right hand.
        source: Name of the neck output to read.
        distance_weight: Factor of the distance; the paper writes 0.5 for both factors, its
            authors' code has 1.
        divergence_weight: Factor of the divergence.
        sigma_cells: Standard deviation of the bell in cells of the heat map.
        deconvolutions: Channels after each of several deconvolutions before the heat map, every
            one of which doubles H and W; none as in the paper.
        supervise_invisible: Whether to learn the coordinates of points that are not visible as
            well, as that code does; their coordinates are those of the track file.

    Raises:
        ValueError: If a number is out of its range.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        num_points: int,
        source: str,
        distance_weight: float = 1.0,
        divergence_weight: float = 1.0,
        sigma_cells: float = 1.0,
        deconvolutions: Sequence[int] = (),
        supervise_invisible: bool = False,
    ) -> None:
        super().__init__()
        weights = distance_weight, divergence_weight
        if (
            num_points < 1
            or not 0 < sigma_cells < inf
            or not all(0 <= weight < inf for weight in weights)
        ):
            raise ValueError(
                'CoordinateHead wants num_points >= 1, sigma_cells > 0 and finite weights >= 0; '
                f'got {num_points}, {sigma_cells}, {distance_weight} and {divergence_weight}.'
            )
        self.in_channels = in_channels
        self.num_points = num_points
        self.source = source
        self.distance_weight = distance_weight
        self.divergence_weight = divergence_weight
        self.sigma_cells = sigma_cells
        self.supervise_invisible = supervise_invisible
        layers: list[nn.Module] = []
        channels = in_channels
        for out_channels in deconvolutions:
            layers += [_deconvolution(channels, out_channels), nn.BatchNorm3d(out_channels)]
            layers.append(nn.ReLU(inplace=True))
            channels = out_channels
        self.upsample = nn.Sequential(*layers)
        self.heatmap = nn.Conv3d(channels, num_points, 1, bias=False)
        nn.init.xavier_uniform_(self.heatmap.weight)

    def forward(self, stream: Stream) -> Tensor:
        """Map ``(B, C, T, h, w)`` to heat maps ``(B, T, L, H, W)``, each summing to 1.

        Raises:
            ValueError: If the stream is no map or has another number of channels.
        """
        check_channels(type(self).__name__, {self.source: self.in_channels}, {self.source: stream})
        if stream.x.dim() != 5:
            raise ValueError(
                f'CoordinateHead wants a map (B, C, T, h, w) as {self.source!r}; got '
                f'{tuple(stream.x.shape)}. Let it read the stream of a backbone, such as '
                "source='rgb', which keeps time and space."
            )
        with torch.autocast(stream.x.device.type, enabled=False):
            logits = self.heatmap(self.upsample(stream.x.to(self.heatmap.weight.dtype)))
            logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
            return spatial_softmax(logits.transpose(1, 2))

    def loss(self, stream: Stream, targets: list) -> dict[str, Tensor]:
        """Mean loss over the visible points of all samples; 0 if there are none.

        Args:
            stream: As in `forward`.
            targets: ``(T, L, 3)`` a sample, as `PointTargets` makes them: normalised x, y, and 1
                where visible, else 0; None where the sample has no such label.

        Returns:
            ``loss``; and for the log ``distance`` (mean, normalised units) and ``unreachable``,
            the percentage of visible targets beyond the centres of the outermost cells.

        Raises:
            ValueError: If a target has another shape, or a point that counts is not finite.
        """
        heatmaps = self(stream)
        truth, mask = self._targets(targets, heatmaps, stream.mask)
        with torch.autocast(heatmaps.device.type, enabled=False):
            distance = (expectation(heatmaps) - truth).norm(dim=-1)
            bell = gaussian(truth, heatmaps.shape[-2:], self.sigma_cells)
            value = self.distance_weight * distance
            value = value + self.divergence_weight * js_divergence(heatmaps, bell)
        # Centres of the outermost columns and rows.
        reach = 1 - 1 / truth.new_tensor([heatmaps.shape[-1], heatmaps.shape[-2]])
        beyond = (truth.abs() > reach).any(dim=-1).float() * 100
        mask = mask.flatten()
        return dict(
            loss=global_mean(value.flatten(), mask),
            distance=global_mean(distance.detach().flatten(), mask),
            unreachable=global_mean(beyond.flatten(), mask),
        )

    def predict(self, stream: Stream, metas: list[dict]) -> list[dict[str, Tensor]]:
        """``points`` ``(T, L, 2)``, normalised x and y, and ``heatmaps`` ``(T, L, H, W)``.

        Both are float32 on the CPU, one dict a sample.
        """
        heatmaps = self(stream).detach()
        points = expectation(heatmaps).float().cpu()
        # Copies: a row of the batch would be pickled with all of the batch.
        return [
            dict(points=point.clone(), heatmaps=heatmap.clone())
            for point, heatmap in zip(points, heatmaps.float().cpu())
        ]

    def _targets(
        self, targets: list, heatmaps: Tensor, present: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Points ``(B, T, L, 2)`` and where they count ``(B, T, L)``; zeros where they do not."""
        shape = (*heatmaps.shape[1:3], 3)
        rows = []
        for target in targets:
            row = np.zeros(shape) if target is None else np.asarray(target, dtype=np.float64)
            if row.shape != shape:
                raise ValueError(
                    f'targets of shape (T, L, 3) = {shape} are expected, for {shape[0]} steps of '
                    f'the map and {shape[1]} points; got {row.shape}. Set `every` of PointTargets '
                    'to the number of frames that the backbone makes one step of, and '
                    '`num_points` to the points of a frame.'
                )
            if self.supervise_invisible and target is not None:
                row = np.concatenate([row[..., :2], np.ones_like(row[..., 2:])], axis=-1)
            rows.append(row)
        values = np.stack(rows)
        visible = values[..., 2] > 0
        if not np.isfinite(values[visible]).all():
            raise ValueError(
                'finite coordinates are expected of visible points; got NaN or infinity. Mark '
                'such points as not visible in the track file.'
            )
        points = np.where(visible[..., None], values[..., :2], 0)
        truth = torch.from_numpy(points).to(heatmaps)
        mask = torch.from_numpy(visible).to(heatmaps.device)
        if present is not None:
            mask = mask & present.view(*present.shape, *(1,) * (3 - present.dim()))
        return truth, mask


def _deconvolution(in_channels: int, out_channels: int) -> nn.Module:
    """Doubles height and width."""
    layer = nn.ConvTranspose3d(
        in_channels, out_channels, (1, 4, 4), stride=(1, 2, 2), padding=(0, 1, 1), bias=False
    )
    nn.init.xavier_uniform_(layer.weight)
    return layer
