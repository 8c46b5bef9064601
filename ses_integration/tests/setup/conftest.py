from __future__ import annotations

from ses_integration.tests.setup.fixtures import named, there

__all__ = ["named", "there"]
