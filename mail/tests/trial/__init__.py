"""Tests of test mail."""
