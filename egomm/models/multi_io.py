"""One model for many inputs and many outputs.

``inputs`` (a ``Stream`` a modality) -> ``backbones`` -> ``parts`` -> ``neck`` -> ``heads`` ->
``sample.pred``.
"""

from collections.abc import Sized
from typing import Any

import torch
from mmengine import dist
from mmengine.model import BaseModel, ModuleDict
from torch import Tensor

from egomm.functional.finite import NonFiniteError
from egomm.models.mixing import Mix
from egomm.models.views import average_views
from egomm.registry import MODELS
from egomm.structures import EgoSample, Stream

_PROMISES = 'egomm/models/contracts.py'


@MODELS.register_module()
class MultiIOModel(BaseModel):
    """Backbones by modality, one neck, heads by task, and parts that cross them.

    Args:
        backbones: Config of one backbone a modality.
        parts: Configs of what stands beside the heads, by a name of its own, in the order to
            run them: each may add streams before the neck and a loss after it (`contracts.Part`).
        neck: Config of the neck that joins them.
        heads: Config of one head a task; None in the place of one leaves the task out.
        record: Names of neck outputs to keep beside the predictions, for example
            ``('attention',)``. Each lands in ``sample.pred`` under its name.
        weighting: Config of how the tasks' losses are weighed (`contracts.Weighting`); all count
            the same by default.
        keep_views: Where a clip is tested in several views, leave their single predictions in
            ``sample.pred['views']``.
        mixing: Config of what mixes the clips of a training batch, as `ClipMixing` does. The loss
            is then the weighted sum of those for the labels of either clip, with the same dropout:
            for cross-entropy the one for soft labels.
        data_preprocessor: Config of the data preprocessor.
        init_cfg: Initialisation, as MMEngine takes it.

    Raises:
        ValueError: If the batch lacks a modality that has a backbone, a head reads a neck
            output that does not exist, a loss is not finite, ``mixing`` meets a part that needs
            whole labels, or a part does not fit the rest of the model.
    """

    def __init__(
        self,
        *,
        backbones: dict[str, dict],
        neck: dict,
        heads: dict[str, dict | None],
        parts: dict[str, dict | None] | None = None,
        record: tuple[str, ...] = (),
        weighting: dict | None = None,
        keep_views: bool = False,
        mixing: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbones = _build_all('backbones', backbones)
        parts = {name: part for name, part in (parts or {}).items() if part is not None}
        self.parts = _build_all('parts', parts) if parts else ModuleDict()
        self.neck = MODELS.build(neck)
        heads = {task: head for task, head in heads.items() if head is not None}
        self.heads = _build_all('heads', heads)
        for task, head in self.heads.items():
            if not hasattr(head, 'source'):
                raise ValueError(
                    f'heads[{task!r}] ({type(head).__name__}) has no `source`, the name of the '
                    f'neck output that it reads. Set self.source in its constructor ({_PROMISES}).'
                )
        self.record = tuple(record)
        self.weighting = MODELS.build(weighting or dict(type='FixedWeights'))
        self.keep_views = keep_views
        self.mixing = None if mixing is None else MODELS.build(mixing)
        hard = [name for name, part in self.parts.items() if getattr(part, 'hard_labels', False)]
        if mixing is not None and hard:
            raise ValueError(
                f'mixing gives a clip two labels, but the parts {hard} are defined for one. '
                'Remove `mixing` from the model, or these parts.'
            )
        for part in self.parts.values():
            if hasattr(part, 'check'):
                part.check(self)

    def forward(
        self,
        inputs: dict[str, Stream],
        data_samples: list[EgoSample] | None = None,
        mode: str = 'tensor',
    ) -> dict[str, Stream] | dict[str, Tensor] | list[EgoSample]:
        """Run the network.

        Args:
            inputs: One stream a modality, batch first.
            data_samples: One sample a row of the batch; needed by 'loss' and 'predict'.
            mode: 'tensor' returns the neck's outputs, 'loss' a dict of scalars named
                ``<task>/<name>``, 'predict' the samples with ``pred`` filled.

        Raises:
            ValueError: If ``mode`` is none of the three; else as the class says.
        """
        mix = None
        if mode == 'loss' and self.training and self.mixing is not None:
            labelled = torch.tensor([bool(sample.gt) for sample in data_samples])
            inputs, mix = self.mixing(inputs, labelled)
        outputs = self.extract(inputs)
        if mode == 'tensor':
            return outputs
        if mode == 'loss':
            return self._mixed_loss(outputs, data_samples, mix)
        if mode == 'predict':
            return self._predict(outputs, data_samples)
        raise ValueError(f"mode is 'tensor', 'loss' or 'predict'; got {mode!r}")

    def extract(self, inputs: dict[str, Stream]) -> dict[str, Stream]:
        """Encode and join the modalities; returns every neck output by name."""
        return self.join(self.encode(inputs))

    def encode(self, inputs: dict[str, Stream]) -> dict[str, Stream]:
        """The backbones' outputs by modality."""
        missing = self.backbones.keys() - inputs.keys()
        if missing:
            raise ValueError(
                f'MultiIOModel has backbones for {sorted(self.backbones)} but the batch carries '
                f'{sorted(inputs)}: {sorted(missing)} missing. Add it to `PackSample(inputs=...)` '
                'or remove its backbone from the config.'
            )
        return _streams('backbones', {n: net(inputs[n]) for n, net in self.backbones.items()})

    def join(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """From the backbones' outputs to every neck output by name."""
        for name, part in self.parts.items():
            streams = _streams(f'parts[{name!r}]', part(streams))
        outputs = _streams('neck', self.neck(streams))
        wanted = {f'head {task!r}': head.source for task, head in self.heads.items()}
        wanted |= {f'record {name!r}': name for name in self.record}
        for reader, source in wanted.items():
            if source not in outputs:
                raise ValueError(
                    f'{reader} reads {source!r}, but {type(self.neck).__name__} gives '
                    f'{sorted(outputs)}. Set `source` to one of these or change the neck.'
                )
        return outputs

    def _mixed_loss(
        self, outputs: dict[str, Stream], samples: list[EgoSample], mix: Mix | None
    ) -> dict[str, Tensor]:
        if mix is None:
            return self._loss(outputs, samples)
        devices = {stream.x.device for stream in outputs.values() if stream.x.is_cuda}
        # Both see the same dropout.
        with torch.random.fork_rng(devices):
            own = self._loss(outputs, samples)
        other = self._loss(outputs, [samples[index] for index in mix.partners.tolist()])
        return {name: mix.share * own[name] + (1 - mix.share) * other[name] for name in own}

    def _loss(self, outputs: dict[str, Stream], samples: list[EgoSample]) -> dict[str, Tensor]:
        answers = {}
        for task, head in self.heads.items():
            targets = [sample.gt.get(task) for sample in samples]
            try:
                answers[task] = _scalars(head.loss(outputs[head.source], targets))
                if not any('loss' in name for name in answers[task]):
                    raise ValueError(
                        f'`loss` gives {sorted(answers[task])}, of which nothing is minimised. Put '
                        f'`loss` into the key of what is to be ({_PROMISES}).'
                    )
            except ValueError as error:
                raise ValueError(f'head {task!r}: {error}') from error
        losses = self._weigh(answers)
        tasks = {*self.heads, *(task for sample in samples for task in sample.gt)}
        targets = {task: [sample.gt.get(task) for sample in samples] for task in tasks}
        for name, part in self.parts.items():
            try:
                given = _scalars(part.loss(outputs, targets))
            except ValueError as error:
                raise ValueError(f'parts[{name!r}]: {error}') from error
            losses.update({f'{name}/{key}': value for key, value in given.items()})
        return losses

    def _weigh(self, answers: dict[str, dict[str, Tensor]]) -> dict[str, Tensor]:
        """What the heads answer, by its name in the log, with the tasks' losses weighed."""
        totals: dict[str, Tensor] = {}
        for task, answer in answers.items():
            for name, value in answer.items():
                if 'loss' in name:
                    totals[task] = totals[task] + value if task in totals else value
        shared = [
            parameter
            for modules in (self.backbones, self.parts, self.neck)
            for parameter in modules.parameters()
            if parameter.requires_grad
        ]
        factors, scalars = self.weighting(totals, shared)
        losses = {f'weighting/{name}': value for name, value in scalars.items()}
        for task, answer in answers.items():
            for name, value in answer.items():
                losses[f'{task}/{name}'] = value * factors[task] if 'loss' in name else value
        return losses

    def _predict(self, outputs: dict[str, Stream], samples: list[EgoSample]) -> list[EgoSample]:
        metas = [sample.metainfo for sample in samples]
        for sample in samples:
            sample.pred = {}
        for task, head in self.heads.items():
            answers = head.predict(outputs[head.source], metas)
            if not isinstance(answers, Sized) or len(answers) != len(samples):
                given = f'{len(answers)} answers' if isinstance(answers, Sized) else repr(answers)
                raise ValueError(
                    f'head {task!r} predicts {given} for {len(samples)} samples. Return a list '
                    'with one a sample.'
                )
            for sample, answer in zip(samples, answers):
                sample.pred[task] = answer
        for name in self.record:
            for sample, value in zip(samples, outputs[name].x.detach().float().cpu()):
                sample.pred[name] = value
        return samples

    def test_step(self, data: dict | list[dict]) -> list[EgoSample]:
        """Predict a batch; several views a clip come as a list of batches, one a view."""
        if not isinstance(data, list):
            return super().test_step(data)
        views = [super(MultiIOModel, self).test_step(view) for view in data]
        return average_views(views, self.heads, self.keep_views)

    def val_step(self, data: dict | list[dict]) -> list[EgoSample]:
        """The same as `test_step`."""
        return self.test_step(data)

    def parse_losses(self, losses: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Sum what is to be minimised; average what is logged over all processes.

        MMEngine logs rank 0 alone. With means normalised by the global count, a rank's own
        value is only its share, and the mean over ranks is the value of the whole batch.
        """
        loss, log_vars = super().parse_losses(losses)
        if dist.get_world_size() > 1:
            values = torch.stack([value.detach().float() for value in log_vars.values()])
            dist.all_reduce(values, op='mean')
            log_vars = dict(zip(log_vars, values))
        # On the reduced value, so that all processes stop together.
        if not torch.isfinite(log_vars['loss']):
            broken = [name for name, value in log_vars.items() if not torch.isfinite(value)]
            raise NonFiniteError(
                f'the loss is not finite: {", ".join(broken)}. Nothing was updated by this step. '
                'Look for NaN in the inputs or features of these tasks, or lower the learning rate.'
            )
        return loss, log_vars


def _streams(giver: str, given: Any) -> dict[str, Stream]:
    """What components of a model gave, if it is streams by name."""
    if not isinstance(given, dict):
        raise ValueError(
            f'{giver} gives a {type(given).__name__}; wanted is a dict of streams by name. Return '
            f"{{**streams, 'name': Stream(x)}} ({_PROMISES})."
        )
    for name, value in given.items():
        if not isinstance(value, Stream):
            raise ValueError(
                f'{giver} gives a {type(value).__name__} as {name!r}; wanted is a Stream. Return '
                f'Stream(x, mask), with the mask of what came in ({_PROMISES}).'
            )
    return given


def _scalars(given: Any) -> dict[str, Tensor]:
    """What a head or a part gave as its losses, if it is scalars by name."""
    if not isinstance(given, dict):
        raise ValueError(
            f'`loss` gives a {type(given).__name__}; wanted is a dict of scalars by name. Return '
            f"{{'loss': value}} ({_PROMISES})."
        )
    for name, value in given.items():
        if not isinstance(value, Tensor) or value.dim() > 0:
            shape = f' of shape {tuple(value.shape)}' if isinstance(value, Tensor) else ''
            raise ValueError(
                f'`loss` gives a {type(value).__name__}{shape} as {name!r}; wanted is a tensor '
                'of shape (). Add up a list; take the mean over the samples by '
                'egomm.functional.reduction.global_mean, without .item().'
            )
    return given


def _build_all(role: str, configs: dict[str, dict]) -> ModuleDict:
    if not configs:
        raise ValueError(f'MultiIOModel wants at least one entry in `{role}`; got none. Add one.')
    for name, config in configs.items():
        if not isinstance(config, dict):
            raise ValueError(
                f'MultiIOModel wants a dict with `type` as {role}[{name!r}]; got {config!r}. Give '
                'it one, or delete the key in the config file.'
            )
    modules: dict[str, Any] = {name: MODELS.build(config) for name, config in configs.items()}
    try:
        return ModuleDict(modules)
    except KeyError as error:
        raise ValueError(
            f'a name in `{role}` = {sorted(configs)} is taken by torch ({error}); choose '
            'another, for example `verb` or `rgb`.'
        ) from error
