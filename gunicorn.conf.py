"""Settings of the production server. `gunicorn inbound.wsgi` reads this file from the current folder."""

import gc
import os

bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT') or 8000}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS") or 2)
# Many, because a thread waiting for SES is cheap.
threads = int(os.environ.get("WEB_THREADS") or 32)
timeout = 60
# Longer than a request may wait for SES, so that a restart does not abort requests.
graceful_timeout = 20
# Workers must not share database connections or boto3 sessions.
preload_app = False
accesslog = None
errorlog = "-"
# Newer versions of gunicorn would otherwise open a control socket in the home folder.
control_socket_disable = True


def post_worker_init(worker: object) -> None:
    """Leave the loaded application out of garbage collections: it stays, and looking through it takes 4% of the time."""
    gc.collect()
    gc.freeze()
