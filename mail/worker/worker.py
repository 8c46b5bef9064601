"""The threads of a mail worker, and how they start and end (docs/architecture/mail.md, "The worker")."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from mail.arrival.sweep import Lost
from mail.ingest.claims import release
from mail.ingest.room import Room
from mail.models import ClaimedMessage
from mail.parsing.pool import Parser
from mail.worker.backlog import Backlog
from mail.worker.tasks import PERIODIC, PeriodicTask
from mail.worker.troubles import Troubles
from ses_integration.api import SesError, mail_source

logger = logging.getLogger(__name__)

TASK_SECONDS = 10.0
# How long a thread may take to end, before its mail is left to others.
ENDING_SECONDS = 6.0

# One turn of a thread. Returns whether there was anything to do.
Turn = Callable[[], bool]


class Ending:
    """Why a thread ends: the worker is stopped, or nothing more will come."""
