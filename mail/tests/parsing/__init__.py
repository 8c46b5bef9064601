"""Tests of the reader of mail, and of the process that it runs in."""
