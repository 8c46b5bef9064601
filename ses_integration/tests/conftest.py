from __future__ import annotations

from ses_integration.tests.doctor.patient import environment, ready
from ses_integration.tests.rows import rows

__all__ = ["environment", "ready", "rows"]
