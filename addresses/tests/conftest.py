from __future__ import annotations

from domains.tests.conftest import credential_look_ups, domain, impatient, no_credentials, no_region

__all__ = ["credential_look_ups", "domain", "impatient", "no_credentials", "no_region"]
