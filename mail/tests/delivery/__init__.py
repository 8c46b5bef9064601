"""Tests of deliveries: claims, ends, gates, expiry and replays."""
