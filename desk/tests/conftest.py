from __future__ import annotations

from ses_integration.tests.support.fake_domains import rows

__all__ = ["rows"]
