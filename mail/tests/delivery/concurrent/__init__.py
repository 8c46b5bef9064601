"""Tests of what several processes do to deliveries at the same time."""
