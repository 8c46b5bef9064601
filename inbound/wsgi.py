"""What the production server serves."""

import os

from django.core.management.base import BaseCommand
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "inbound.settings")

application = get_wsgi_application()

# A server does not run the system checks by itself, and must not start with the published secret.
BaseCommand().check()
