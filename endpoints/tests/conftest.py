from __future__ import annotations

from domains.tests.dns_server import dns_fixture  # noqa: F401
