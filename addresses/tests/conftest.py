from __future__ import annotations

from domains.tests.conftest import domain, impatient

__all__ = ["domain", "impatient"]
