"""Tests of what sweeps keep, and of the look between them."""
