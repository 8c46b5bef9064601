"""Tests of the commands that operators use. `run` runs one."""
