"""The WSGI application of the production server."""

import os
import sys

from django.core.management.base import BaseCommand, SystemCheckError
from django.core.wsgi import get_wsgi_application

# Gunicorn stops if a worker exits with this code before it is ready. After any other it starts another worker, for ever.
CANNOT_START = 3

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "inbound.settings")

try:
    application = get_wsgi_application()
    # Servers do not run the system checks, and must not start with the published SECRET_KEY.
    BaseCommand().check()
except (SystemCheckError, SystemExit) as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(CANNOT_START)
