"""From a config and a checkpoint to a model that predicts."""

import re

from mmengine.config import Config
from mmengine.device import get_device
from torch import nn

from egomm.compat import load_checkpoint
from egomm.functional.weights import differences
from egomm.registry import MODELS


def load_model(config: Config, checkpoint: str | None) -> nn.Module:
    """The config's model with the checkpoint's weights, in evaluation mode on its device.

    Without a checkpoint the weights are random, which is enough to count them.

    Raises:
        ValueError: If the config has no model, or the checkpoint cannot be read or is of another
            architecture.
    """
    if not config.get('model'):
        raise ValueError(f'{config.filename} has no `model`. Give the config of a trained model.')
    model = MODELS.build(config.model)
    if checkpoint is None:
        return model.to(get_device()).eval()
    state = load_checkpoint(checkpoint)
    if not isinstance(state, dict) or not isinstance(state.get('state_dict', state), dict):
        raise ValueError(f'{checkpoint} holds no weights by name. Give a checkpoint of a run.')
    weights = {
        re.sub(r'^module\.', '', name): value
        for name, value in state.get('state_dict', state).items()
    }
    problems = differences(model.state_dict(), weights)
    if problems:
        raise ValueError(
            f'{checkpoint} is not of the architecture of the config: {"; ".join(problems)}. Use '
            'the config it was trained with.'
        )
    model.load_state_dict(weights, strict=False)  # old files lack the counters of batch norm
    return model.to(get_device()).eval()
