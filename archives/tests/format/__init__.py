"""Tests of the format."""
