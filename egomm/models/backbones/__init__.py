"""Encoders: one modality in, one feature map out."""
