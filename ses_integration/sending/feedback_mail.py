"""SES's mails about bounces and complaints: off for domains that have events instead."""

from __future__ import annotations

import logging
import time

from ses_integration.aws import account
from ses_integration.aws.gateway import Gateway
from ses_integration.conf import ses_config
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.errors import SesError
from ses_integration.models import LedgerIdentity
from ses_integration.plan.resources import ResourceKind

WAIT_SECONDS = 5.0
# After a failure, in this process. Otherwise a missing permission would cost a control call for each mail.
AGAIN_SECONDS = 300.0

logger = logging.getLogger(__name__)

_not_before = 0.0


def ensure_feedback_off(domain: str) -> None:
    """Make sure, before a domain sends, that SES does not also mail its bounces to the sender. Never fails: it tries again later.

    Such a mail would arrive here as received mail. Without SES_CONFIGURATION_SET there are no events, so it stays on; and an
    identity that somebody else has created stays as it is. The ledger remembers what is off for as long as SES has the identity.
    """
    global _not_before
    config = ses_config()
    if not config.configuration_set:
        return
    rows = LedgerIdentity.objects.of(config).filter(
        entry__kind=ResourceKind.IDENTITY, entry__domain=domain, ours=True, feedback_off=False
    )
    if not rows.exists() or time.monotonic() < _not_before:
        return
    try:
        with shared_deadline(WAIT_SECONDS):
            gateway = Gateway(config, verified=account.verify(config))
            with rate_limited(config):
                gateway.switch_feedback_off(domain)
    except SesError as error:
        _not_before = time.monotonic() + AGAIN_SECONDS
        logger.warning("Bounces of %s are also sent as mail: %s", domain, error)
        return
    rows.update(feedback_off=True)
