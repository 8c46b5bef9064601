from __future__ import annotations

from ses_integration.tests.doctor.fixtures import environment, ready
from ses_integration.tests.support.fake_domains import rows, ses_with_a

__all__ = ["environment", "ready", "rows", "ses_with_a"]
