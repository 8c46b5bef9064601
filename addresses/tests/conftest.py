from __future__ import annotations

from domains.tests.conftest import domain, impatient, no_credentials, no_region

__all__ = ["domain", "impatient", "no_credentials", "no_region"]
