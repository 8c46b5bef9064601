"""Tests of archives/uploads."""
