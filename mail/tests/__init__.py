"""Tests of received mail."""
