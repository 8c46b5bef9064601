"""Run one full sweep and print its cost as JSON: `python -m bench.parts.sweep_process database|ses`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import django

from bench.requests import own_peak_memory
from ses_integration.aws import clients

# The emulator sends 7 MB of XML here, for more rules than SES can hold. That takes longer than any answer of SES.
clients.READ_TIMEOUT = 60


def main(which: str) -> None:
    django.setup()
    from django.db import connection

    from ses_integration.drift.sweep import sweep_database, sweep_ses

    sweeps: dict[str, Callable[[], list[str]]] = {
        "database": sweep_database,
        "ses": lambda: sweep_ses().invalidated,
    }
    connection.ensure_connection()
    statements = 0

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(*arguments)

    before = own_peak_memory()
    started, cpu = time.monotonic(), time.process_time()
    with connection.execute_wrapper(count):
        differing = sweeps[which]()
    figures = {
        "seconds": time.monotonic() - started,
        "processor": time.process_time() - cpu,
        "before": before,
        "peak": own_peak_memory(),
        "statements": statements,
        "differing": len(differing),
    }
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1])
