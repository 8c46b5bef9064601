"""Tests of what is known of mail."""
