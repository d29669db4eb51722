"""Compute the blocks of the Swin-T encoders twice instead of keeping their inner activations.

The loss and the gradients stay the same to the bit. Add the path of this file to `_base_` of a
config with RGB, flow and audio encoders:

    _base_ = ['./epic100_swin-t_query.py', '../_base_/recipes/activation_checkpointing.py']
"""

activation_checkpointing = [
    f'backbones.{modality}.model.layers.{stage}.blocks.{block}'
    for modality in ('rgb', 'flow', 'audio')
    for stage, blocks in enumerate((2, 2, 6, 2))
    for block in range(blocks)
]
