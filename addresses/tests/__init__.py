"""Tests of addresses and blocked emails. The fixtures of `domains/tests` are available, too."""
