"""python -m bench.sweeping database|ses: one full sweep in a process of its own, which prints what it took as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import django

from bench.measuring import own_peak_memory
from ses_integration.aws import clients

# The emulator writes 7 MB of XML, of more rules than SES would ever hold: that may take longer than SES may.
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
    started, worked = time.monotonic(), time.process_time()
    with connection.execute_wrapper(count):
        differing = sweeps[which]()
    took = {
        "seconds": time.monotonic() - started,
        "processor": time.process_time() - worked,
        "before": before,
        "peak": own_peak_memory(),
        "statements": statements,
        "differing": len(differing),
    }
    sys.stdout.write(json.dumps(took))


if __name__ == "__main__":
    main(sys.argv[1])
