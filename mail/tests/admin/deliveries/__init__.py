"""Tests of the pages of deliveries and of endpoints that fail."""
