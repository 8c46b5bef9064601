from __future__ import annotations

from ses_integration.tests.doctor.fixtures import environment, ready
from ses_integration.tests.fake_domains import a, rows, ses_with_a

__all__ = ["a", "environment", "ready", "rows", "ses_with_a"]
