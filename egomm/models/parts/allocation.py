"""The attention allocating loss of MIMO (Hou et al., 2023, section 2.2, Eq. (1) and (2)).

Shapes: B = batch, H = heads, T = tasks, M = modalities, K = classes.
"""

import math

import torch
from torch import Tensor, nn

from egomm.functional.attention import allocation_loss, entropy, normalised_entropy
from egomm.functional.reduction import global_mean
from egomm.models.layers.unimodal import unimodal_predictions
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class AllocationLoss(nn.Module):
    """Steer each task's attention by how certain each modality is by itself.

    Reads ``'attention'`` of `QueryFusion` and ``'unimodal_<task>'`` of `UnimodalHeads`. A missing
    modality takes no part; a sample counts where the task's own loss counts it.

    Args:
        tasks: Tasks in the order of the neck's task tokens.
        modalities: Modalities in the order of the neck.
        weight: ``lambda`` of Eq. (2). 0 leaves only the numbers for the log.
        direction: ``'text'`` (towards the uncertain modality, the paper's prose) or
            ``'as_printed'`` (its Eq. (1), which says the opposite).
        normalise: Divide the entropies by ``ln K``, so that ``weight`` means the same for tasks
            of different numbers of classes. The paper takes plain nats.
        shuffle: Take the entropies of another sample of the batch: a control, which has their
            distribution but not their information.

    Raises:
        ValueError: If ``weight`` is negative or not finite, or the direction is another.
    """

    hard_labels = True  # the entropy of a mixed clip tells of the mixing, not of the modality

    def __init__(
        self,
        *,
        tasks: tuple[str, ...],
        modalities: tuple[str, ...],
        weight: float = 0.1,
        direction: str = 'text',
        normalise: bool = False,
        shuffle: bool = False,
    ) -> None:
        super().__init__()
        if not 0 <= weight < math.inf or direction not in ('text', 'as_printed'):
            raise ValueError(
                "AllocationLoss wants finite weight >= 0 and direction 'text' or 'as_printed'; got "
                f'{weight!r} and {direction!r}.'
            )
        self.tasks = tuple(tasks)
        self.modalities = tuple(modalities)
        self.weight = weight
        self.direction = direction
        self.normalise = normalise
        self.shuffle = shuffle

    def check(self, model: nn.Module) -> None:
        """Compare tasks and modalities with those of the neck, whose order they are read in.

        Raises:
            ValueError: If they differ.
        """
        for kind in ('tasks', 'modalities'):
            own = getattr(self, kind)
            wanted = tuple(getattr(model.neck, kind, own))
            if own != wanted:
                raise ValueError(
                    f'AllocationLoss has {kind} {list(own)}, but the neck has {list(wanted)}. '
                    'Name the same in the same order.'
                )

    def forward(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Streams as they are: this part only adds a loss."""
        return streams

    def loss(self, outputs: dict[str, Stream], targets: dict[str, list]) -> dict[str, Tensor]:
        """``<task>_loss``, and for the log each modality's share of the task's attention.

        Raises:
            ValueError: If the neck gives no attention, of another number of tasks or modalities,
                or there are no unimodal predictions.
        """
        attention = self._attention(outputs)
        losses = {}
        for index, task in enumerate(self.tasks):
            mass = attention[:, :, index]  # (B, H, M)
            unimodal = unimodal_predictions('AllocationLoss', outputs, task, self.modalities)
            labels = targets.get(task) or [None] * len(mass)
            counts = torch.tensor([label is not None for label in labels], device=mass.device)
            present = unimodal.mask
            if self.weight:
                logits = unimodal.x.transpose(1, 2).detach().float()
                measure = normalised_entropy if self.normalise else entropy
                uncertainty = measure(logits)
                if self.shuffle:
                    uncertainty = uncertainty[torch.randperm(len(uncertainty), device=mass.device)]
                values = allocation_loss(mass, uncertainty, self.direction, present)
                losses[f'{task}_loss'] = self.weight * global_mean(values, counts)
            # A missing modality has no share: the mean is over the samples that have it.
            shares = global_mean(mass.detach().float().mean(dim=1), present & counts[:, None])
            losses |= {
                f'{task}_{name}_share': value for name, value in zip(self.modalities, shares)
            }
        return losses

    def _attention(self, outputs: dict[str, Stream]) -> Tensor:
        wanted = (len(self.tasks), len(self.modalities))
        stream = outputs.get('attention')
        if stream is None or tuple(stream.x.shape[2:]) != wanted:
            found = f'none among {sorted(outputs)}' if stream is None else tuple(stream.x.shape[2:])
            raise ValueError(
                f"AllocationLoss wants 'attention' of {wanted} tasks and modalities; got {found}. "
                'Use it with QueryFusion, and name its tasks and modalities in its order.'
            )
        return stream.x
