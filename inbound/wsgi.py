"""The WSGI application of the production server."""

import os

from django.core.management.base import BaseCommand
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "inbound.settings")

application = get_wsgi_application()

# Servers do not run the system checks, and must not start with the published SECRET_KEY.
BaseCommand().check()
