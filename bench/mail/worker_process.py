"""Run `mail_worker --once` and print its cost as JSON: `python -m bench.mail.worker_process [option …]`."""

from __future__ import annotations

import itertools
import json
import resource
import sys
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

    statements = itertools.count()

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        # Safe in threads: it is one step of the interpreter.
        next(statements)
        return execute(*arguments)

    def watch(connection: Any, **_: Any) -> None:
        # The pool gives it out again and again.
        if count not in connection.execute_wrappers:
            connection.execute_wrappers.append(count)

    connection_created.connect(watch)
    before = Message.objects.filter(state=Message.State.INGESTED).count()
    counted_before = next(statements)
    said = StringIO()
    started = time.monotonic()
    cpu = _processor()
    # It exits with 2 if something is left.
    with suppress(SystemExit):
        call_command("mail_worker", "--once", *options, stdout=said)
    figures = {
        "seconds": time.monotonic() - started,
        "processor": _processor() - cpu,
        "statements": next(statements) - counted_before - 1,
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
