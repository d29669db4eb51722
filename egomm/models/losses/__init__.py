"""Losses that return one value a sample; heads take the mean."""
