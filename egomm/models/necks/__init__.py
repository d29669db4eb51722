"""Fusion: encoded modalities in, what the heads read out."""
