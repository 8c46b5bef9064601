"""Tests of archives/imports."""
