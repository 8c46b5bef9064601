"""Tests of webhooks: the body, its headers, an attempt, and the test of an endpoint."""
