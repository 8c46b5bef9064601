"""Tests of the grace period of a deletion."""
