from __future__ import annotations

from ses_integration.tests.rows import rows

__all__ = ["rows"]
