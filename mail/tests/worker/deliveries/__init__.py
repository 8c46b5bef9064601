"""Tests of the senders: fairness, outages, kills."""
