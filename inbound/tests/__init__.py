"""Tests of the whole application. `support` has the helpers for the tests of every app."""
