"""Tests of the admin pages of received mail."""
