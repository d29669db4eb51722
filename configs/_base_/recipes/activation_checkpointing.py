"""Compute blocks of the Swin-T encoders twice instead of keeping their inner activations.

These are the first two stages: a third of the encoders' work, but two thirds of what is kept. The
loss and the gradients stay the same to the bit. Add the path of this file to `_base_` of a config
with RGB, flow and audio encoders; docs/benchmarks.md has what it saves and costs:

    _base_ = ['./epic100_swin-t_query.py', '../_base_/recipes/activation_checkpointing.py']
"""

activation_checkpointing = [
    f'backbones.{modality}.model.layers.{stage}.blocks.{block}'
    for modality in ('rgb', 'flow', 'audio')
    for stage in (0, 1)
    for block in (0, 1)
]
