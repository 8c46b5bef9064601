"""Settings of the production server. `gunicorn inbound.wsgi` reads this file from the current folder."""

import gc
import logging
import os
import shutil
import sys
import tempfile
import time
from typing import Any

from inbound.configuration.declared import read_environment

# In the master, because a worker that cannot read its settings would be started again and again.
configuration = read_environment()
if not (configuration.SECRET_KEY or configuration.DEBUG):
    sys.exit("SECRET_KEY is not set; it must be a long random text.")

bind = configuration.BIND or f"127.0.0.1:{configuration.PORT}"
worker_class = "gthread"
workers = configuration.WEB_WORKERS
# Many, because a thread waiting for SES is cheap.
threads = configuration.WEB_THREADS
timeout = 60
# Longer than a request may wait for SES, so that a restart does not abort requests.
graceful_timeout = 20
# Longer than proxies and clients keep an idle connection (nginx: 60). Otherwise they may send a request just as it is closed.
keepalive = 75
# Workers must not share database connections or boto3 sessions.
preload_app = False
accesslog = None
errorlog = "-"
# Newer versions of gunicorn would otherwise open a control socket in the home folder.
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Make the folder in which the workers count requests, so that each can answer /metrics for all of them."""
    server.metrics_folder = tempfile.mkdtemp(prefix="inbound-metrics-")
    os.environ.update(PROMETHEUS_MULTIPROC_DIR=server.metrics_folder)


def on_exit(server: Any) -> None:
    shutil.rmtree(server.metrics_folder, ignore_errors=True)


# What is read of a body that the application has not read. A larger body is the last thing on its connection. Without this,
# gunicorn would promise to keep the connection and close it after 64 kB: the client's next request would fail.
DRAINED_BYTES = 1024 * 1024
DRAIN_SECONDS = 5.0


# How long a client may take for a piece of an answer, of at most 64 kB, and for sending a piece of its body. Without this, a
# client that stops reading a download would keep its thread for ever.
CLIENT_SECONDS = 60.0


def pre_request(worker: object, request: Any) -> None:
    """Limit the waits for the client. Announce `Connection: close` if it is not known where the next request will start.

    It is not known after a body that is too large to be read to its end, one in chunks, and one that the client may not send at all
    because it has the answer (`Expect: 100-continue`).
    """
    request.unreader.sock.settimeout(CLIENT_SECONDS)
    for name, value in request.headers:
        if name in ("TRANSFER-ENCODING", "EXPECT") or (name == "CONTENT-LENGTH" and int(value) > DRAINED_BYTES):
            request.force_close()


def post_request(worker: object, request: Any, environ: object, answer: object) -> None:
    """Read the rest of the body, also before closing: otherwise the client could lose the answer with the connection."""
    connection = request.unreader.sock
    deadline = time.monotonic() + DRAIN_SECONDS
    drained = 0
    try:
        while drained <= DRAINED_BYTES and (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            part = request.body.read(64 * 1024)
            if not part:
                break
            drained += len(part)
        connection.settimeout(None)
    except OSError:
        # The client has gone or stopped sending. gunicorn closes the connection.
        return


def without_traceback(record: logging.LogRecord) -> bool:
    """A client that has stalled is no mistake in the code."""
    if record.exc_info and isinstance(record.exc_info[1], TimeoutError):
        record.msg, record.args = f"A client has stalled: {record.exc_info[1]}", ()
        record.exc_info = None
    return True


def post_worker_init(worker: Any) -> None:
    """Leave the loaded application out of garbage collections: it stays, and looking through it takes 4% of the time."""
    worker.log.error_log.addFilter(without_traceback)
    gc.collect()
    gc.freeze()
