"""Hooks. Importing this package registers all of them."""

from egomm.hooks.checkpoint_match import CheckpointMatchHook
from egomm.hooks.plain_checkpoint import PlainCheckpointHook

__all__ = ['CheckpointMatchHook', 'PlainCheckpointHook']
