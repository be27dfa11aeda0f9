"""Kaxia: a desktop back office for merchants and HR departments who issue virtual cards."""

__version__ = "0.1.0"
