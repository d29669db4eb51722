"""egomm: egocentric video understanding on MMEngine."""

__version__ = '0.1.0'
