"""Processes for the tests of the worker."""

from __future__ import annotations

from inbound.tests.processes.conftest import stack_with

__all__ = ["stack_with"]
