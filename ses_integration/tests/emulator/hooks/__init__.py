"""Tests of the receivers of webhooks."""
