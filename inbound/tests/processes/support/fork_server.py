"""A process that has loaded the application and forks: each child serves one request or runs a worker once.

The code of the server and the worker runs unchanged, with the production settings. Its steps are counted, and the child
kills itself at the step that the order names. `forks.ForkServer` starts this process, writes orders to its standard input,
one JSON object per line, and reads the results from its standard output in the same form.
"""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import Any
from wsgiref.util import setup_testing_defaults

WRITES = ("INSERT", "UPDATE", "DELETE")
# They change nothing, so a kill after them leaves the same state as a kill after the step before.
LOOKS = ("Describe", "Get", "List", "Head")


class Steps:
    """Counts the points after which the durable state may differ, and kills the process at number `kill_at` (from 1).

    These points are: right after a commit with writes (or an autocommitted write), right before and right after each
    AWS call that changes something, and right after each attempt at a delivery. The parent is told of each.
    """

    def __init__(self, told: int, kill_at: int | None) -> None:
        self._told = told
        self._kill_at = kill_at
        self._count = 0
        # Threads of a worker.
        self._lock = threading.Lock()

    def record_step(self, step: str) -> None:
        with self._lock:
            self._count += 1
            os.write(self._told, f"{step}\n".encode())
            if self._count == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def before_send(self, event_name: str, **_: Any) -> None:
        self._called("before", event_name)

    def after_call(self, event_name: str, **_: Any) -> None:
        self._called("after", event_name)

    def _called(self, when: str, event_name: str) -> None:
        action = event_name.rpartition(".")[2]
        if not action.startswith(LOOKS):
            self.record_step(f"{when} {action}")

    @contextmanager
    def watching_the_database(self) -> Any:
        """Every connection of this process, in whichever thread."""
        from django.db.backends.signals import connection_created

        watched: set[int] = set()

        def watch(connection: Any, **_: Any) -> None:
            if id(connection) not in watched:
                watched.add(id(connection))
                self._watch(connection)

        connection_created.connect(watch)
        try:
            yield
        finally:
            connection_created.disconnect(watch)

    def _watch(self, connection: Any) -> None:
        commit = connection.commit
        written: list[str] = []

        def commit_and_tell() -> None:
            commit()
            if written:
                step = f"after COMMIT of {', '.join(written)}"
                written.clear()
                self.record_step(step)

        def execute_and_tell(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            result = execute(sql, params, many, context)
            # A statement that begins with WITH may end with a write.
            words = sql[max(0, sql.find("\nUPDATE")) :].split(maxsplit=3)
            if words[0] in WRITES and context["cursor"].rowcount:
                # INSERT INTO "table", DELETE FROM "table", UPDATE "table"
                table = words[1 if words[0] == "UPDATE" else 2].strip('"')
                if context["connection"].in_atomic_block:
                    written.extend([table] if table not in written else [])
                else:
                    self.record_step(f"after {words[0]} of {table}")
            return result

        connection.commit = commit_and_tell
        connection.execute_wrappers.append(execute_and_tell)


_steps: Steps | None = None


def _before_send(**event: Any) -> None:
    if _steps is not None:
        _steps.before_send(**event)


def _after_call(**event: Any) -> None:
    if _steps is not None:
        _steps.after_call(**event)


def _tell_of_attempts() -> None:
    from mail.worker import attempts

    def telling(attempt: Any) -> Any:
        def attempt_and_tell(claim: Any) -> Any:
            result = attempt(claim)
            if _steps is not None:
                _steps.record_step(f"after the attempt {result.kind}")
            return result

        return attempt_and_tell

    every: Any = attempts.ATTEMPTS
    every |= {kind: telling(attempt) for kind, attempt in every.items()}


def main() -> None:
    from inbound.wsgi import application
    from ses_integration.aws import clients

    _tell_of_attempts()

    # Every client that the application creates inherits these.
    events = clients.current()._session.events
    events.register("before-send", _before_send)
    events.register("after-call", _after_call)

    _load()
    # A collection in a child would copy the memory that it shares with the others.
    gc.collect()
    gc.freeze()
    answer = os.fdopen(os.dup(1), "w")
    # All other output goes to the log.
    os.dup2(2, 1)
    print("ready", file=answer, flush=True)
    for line in sys.stdin:
        print(json.dumps(_in_a_child(application, json.loads(line))), file=answer, flush=True)


def _load() -> None:
    """Load what every child would load. Opens no connection: children must not share one."""
    from django.conf import settings
    from django.urls import get_resolver

    from ses_integration.aws import clients

    _ = get_resolver().url_patterns
    for seconds in range(2, clients.READ_TIMEOUT + 1):
        for make in (clients.ses, clients.sesv2, clients.s3):
            make(settings.AWS_REGION, seconds)


def _in_a_child(application: Any, order: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 1
        with suppress(BaseException):
            code = _obey(application, order, writing)
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as told:
        steps = told.read().splitlines()
    _, status = os.waitpid(child, 0)
    return {"steps": steps, "status": os.waitstatus_to_exitcode(status)}


def _obey(application: Any, order: dict[str, Any], told: int) -> int:
    global _steps
    _steps = Steps(told, order["kill_at"])
    with _steps.watching_the_database():
        if order["path"] is None:
            return _run(order["command"])
        return _serve(application, order)


def _run(command: list[str]) -> int:
    from django.core.management import call_command

    try:
        call_command(*command)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _serve(application: Any, order: dict[str, Any]) -> int:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "DELETE",
        "PATH_INFO": f"/api/v2/{order['path']}",
        "HTTP_AUTHORIZATION": f"Bearer {order['key']}",
        "wsgi.input": io.BytesIO(),
    }
    setup_testing_defaults(environ)
    answered: list[str] = []
    body = application(environ, lambda status, headers, *_: answered.append(status))
    with suppress(StopIteration):
        for _ in body:
            pass
    body.close()
    return 0 if answered[0].startswith("200") else 1


if __name__ == "__main__":
    main()
