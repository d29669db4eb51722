"""What each modality says by itself (MIMO, Hou et al., 2023, section 2.2).

The paper measures the uncertainty of a modality by the entropy of "an extra unimodal
classification layer", whose own loss its Eq. (2) leaves out; without one the entropies are noise.

Shapes: B = batch, M = modalities, C_m = channels of modality m, K = classes of a task.
"""

import torch
from torch import Tensor, nn

from egomm.functional.attention import normalised_entropy
from egomm.functional.reduction import global_mean
from egomm.models.layers.channels import check_channels, check_in_channels
from egomm.models.layers.pooling import mean_pool, presence
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class UnimodalHeads(nn.Module):
    """A linear classifier for every modality and task on the modality's pooled features.

    Its predictions are the uncertainties of `AllocationLoss` and `UncertaintyReallocation`, and
    tell how far each modality gets alone.

    Args:
        in_channels: Channels ``C_m`` by modality name, in the order of the neck.
        num_classes: Classes ``K`` by task name.
        detach: Whether the encoders are spared from this loss, so that the main objective stays
            what it is.
        loss_weight: Factor of this loss.
        loss: Config of a loss that maps logits and labels to one value a sample.
    """

    def __init__(
        self,
        *,
        in_channels: dict[str, int],
        num_classes: dict[str, int],
        detach: bool = True,
        loss_weight: float = 1.0,
        loss: dict | None = None,
    ) -> None:
        super().__init__()
        check_in_channels(type(self).__name__, in_channels)
        self.in_channels = dict(in_channels)
        self.num_classes = dict(num_classes)
        self.detach = detach
        self.loss_weight = loss_weight
        self.sample_loss = MODELS.build(loss or dict(type='SoftmaxCrossEntropy'))
        self.classifiers = nn.ModuleDict(
            {
                task: nn.ModuleDict(
                    {name: nn.Linear(channels, classes) for name, channels in in_channels.items()}
                )
                for task, classes in num_classes.items()
            }
        )
        for linear in self.classifiers.modules():
            if isinstance(linear, nn.Linear):
                nn.init.normal_(linear.weight, std=0.01)
                nn.init.zeros_(linear.bias)

    def check(self, model: nn.Module) -> None:
        """Compare tasks, classes and the order of modalities with those of the model.

        Raises:
            ValueError: If a task has no head or one of another number of classes, or the
                modalities stand in another order than in the neck.
        """
        classes = {task: getattr(head, 'num_classes', None) for task, head in model.heads.items()}
        strange = {t: count for t, count in self.num_classes.items() if classes.get(t) != count}
        if strange:
            raise ValueError(
                f'UnimodalHeads has num_classes {strange}, but the heads of the model have '
                f'{classes}. Name tasks that have a head, with its number of classes.'
            )
        order = list(getattr(model.neck, 'in_channels', self.in_channels))
        shared = [name for name in order if name in self.in_channels]
        if shared != [name for name in self.in_channels if name in shared]:
            raise ValueError(
                f'UnimodalHeads has in_channels of {list(self.in_channels)}, but the neck has '
                f'{order}. Name them in the order of the neck.'
            )

    def forward(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Add ``'unimodal_<task>'``: logits ``(B, K, M)``, masked where a modality is missing."""
        check_channels(type(self).__name__, self.in_channels, streams)
        pooled = {name: mean_pool(streams[name]) for name in self.in_channels}
        if self.detach:
            pooled = {name: x.detach() for name, x in pooled.items()}
        present = presence([streams[name] for name in self.in_channels])
        logits = {
            task: torch.stack([linears[name](x) for name, x in pooled.items()], dim=2)
            for task, linears in self.classifiers.items()
        }
        return {**streams, **{f'unimodal_{t}': Stream(x, present) for t, x in logits.items()}}

    def loss(self, outputs: dict[str, Stream], targets: dict[str, list]) -> dict[str, Tensor]:
        """Sum over modalities of the mean loss over the labelled samples that have them.

        Beside ``<task>_loss`` it gives, for the log, each modality's accuracy in percent and its
        mean entropy as a share of ``ln K``, both over the samples that count in the loss.
        """
        losses = {}
        for task in self.num_classes:
            stream = outputs[f'unimodal_{task}']
            labels = targets.get(task) or [None] * len(stream.x)
            known = torch.tensor([label is not None for label in labels], device=stream.x.device)
            label = torch.tensor([label or 0 for label in labels], device=stream.x.device)
            counts = stream.mask & known[:, None]
            logits = stream.x.transpose(1, 2)  # (B, M, K)
            values = torch.stack([self.sample_loss(part, label) for part in logits.unbind(1)], 1)
            losses[f'{task}_loss'] = self.loss_weight * global_mean(values, counts).sum()
            free = logits.detach().float()
            right = (free.argmax(dim=2) == label[:, None]).float() * 100
            unsure = normalised_entropy(free)
            for name, top1, share in zip(
                self.in_channels, global_mean(right, counts), global_mean(unsure, counts)
            ):
                losses[f'{task}_{name}_top1'] = top1
                losses[f'{task}_{name}_entropy'] = share
        return losses
