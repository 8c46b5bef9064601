"""Tests of ses_integration.setup."""
