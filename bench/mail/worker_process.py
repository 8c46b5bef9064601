"""Run `mail_worker --once` and print its cost as JSON: `python -m bench.mail.worker_process [option …]`."""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from typing import Any

import django

from bench.requests import own_peak_memory


def main(options: list[str]) -> None:
    django.setup()
    from django.core.management import call_command
    from django.db.backends.signals import connection_created

    from mail.models import Message

    counted: dict[str, int] = {}
    lock = threading.Lock()

    def count(execute: Callable[..., Any], statement: str, *arguments: Any) -> Any:
        with lock:
            counted[statement.split(None, 1)[0].upper()] = counted.get(statement.split(None, 1)[0].upper(), 0) + 1
        return execute(statement, *arguments)

    def watch(connection: Any, **_: Any) -> None:
<<<<<<< HEAD
        # The pool gives it out again and again.
=======
        # Also when a thread takes another connection from the pool.
>>>>>>> cd8d6db (Benchmark: count each statement of a mail worker once)
        if count not in connection.execute_wrappers:
            connection.execute_wrappers.append(count)

    connection_created.connect(watch)
    before = Message.objects.filter(state=Message.State.INGESTED).count()
    counted.clear()
    said = StringIO()
    started = time.monotonic()
    cpu = _processor()
    # It exits with 2 if something is left.
    with suppress(SystemExit):
        call_command("mail_worker", "--once", *options, stdout=said)
    figures = {
        "seconds": time.monotonic() - started,
        "processor": _processor() - cpu,
        "statements": sum(counted.values()),
        "mails": Message.objects.filter(state=Message.State.INGESTED).count() - before,
        "peak": own_peak_memory(),
        "child peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "said": said.getvalue().strip(),
    }
    sys.stdout.write(json.dumps(figures))


def _processor() -> float:
    """Seconds of this process and of the children that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    main(sys.argv[1:])
