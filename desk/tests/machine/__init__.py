"""Tests of what machines ask."""
