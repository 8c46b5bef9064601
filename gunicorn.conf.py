"""The production server: `gunicorn inbound.wsgi` finds this file in the folder that it is started in."""

import os

bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT') or 8000}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS") or 2)
# Many, because a deletion waits for SES in its thread, and waiting is cheap.
threads = int(os.environ.get("WEB_THREADS") or 32)
timeout = 60
# Longer than a request may wait for SES, so that a restart does not cut one off.
graceful_timeout = 20
# Forks must not share a database connection or a boto3 session.
preload_app = False
accesslog = None
errorlog = "-"
# Newer versions of gunicorn listen for commands on a socket in the home folder.
control_socket_disable = True
