from __future__ import annotations

from ses_integration.tests.doctor.fixtures import environment, ready
from ses_integration.tests.fake_domains import a, rows

__all__ = ["a", "environment", "ready", "rows"]
