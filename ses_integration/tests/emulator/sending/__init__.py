"""Tests of mail that is sent, and of its bounces."""
