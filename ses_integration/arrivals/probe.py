"""The probe of `ses_doctor`: a notification that tells of no mail, and whose receipt is recorded."""

from __future__ import annotations

import json
import logging
import re

from django.db import DatabaseError

from ses_integration.arrivals.notification import PROBE
from ses_integration.conf import ses_config
from ses_integration.models import RuleSetState

# Also within the text of an SNS message.
_NONCE = re.compile(r'nonce\\*": *\\*"([0-9a-f]{16})\\*"')

logger = logging.getLogger(__name__)


def probe(nonce: str) -> str:
    """The text of a probe. `nonce`: 16 hexadecimal digits of one run."""
    return json.dumps({"notificationType": PROBE, "nonce": nonce})


def record_probe(text: str) -> None:
    """Record that a process which receives notifications has this one, if it is a probe. Never raises."""
    found = _NONCE.search(text) if PROBE in text else None
    if found is None:
        return
    try:
        RuleSetState.objects.of(ses_config()).update(mail_probe=found[1])
    except DatabaseError as error:
        # The doctor says then that it does not know. Other notifications of the same batch must not wait for this.
        logger.warning("A probe of ses_doctor could not be recorded: %s", error)


def probe_is_recorded(nonce: str) -> bool:
    """Whether a process that receives notifications has got this probe."""
    return RuleSetState.objects.of(ses_config()).filter(mail_probe=nonce).exists()
