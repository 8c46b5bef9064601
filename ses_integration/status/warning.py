"""The warning in an answer about a change that SES has not confirmed."""

from __future__ import annotations

from datetime import datetime

from django.db.models.functions import Now

from ses_integration.conf import ses_config
from ses_integration.errors import RuleSetFull
from ses_integration.models import InFlightCall, Lease
from ses_integration.status import confirmation, wording
from ses_integration.status.sync_state import SyncState


def unconfirmed_warning(
    lead: str, domain: str = "", *, error: str | None = None, removal: bool = False, in_flight: bool = False
) -> str:
    """Say that SES has not confirmed a change, why, and what happens next.

    `lead` opens the warning and names the change, such as `SES configuration failed:`. `error` is the sentence that follows;
    by default the last error that is recorded for `domain`. With `removal`, something of the domain that a previous region
    or rule set may still hold is named instead of the usual ending. With `in_flight`, an unanswered call is mentioned, and
    when it is sent again.

    One statement each for the recorded error, for `removal` and for `in_flight`.
    """
    why = SyncState.by_domain([domain])[domain].error if error is None else error
    pending = wording.NO_ROOM if why == RuleSetFull.SENTENCE else wording.change_pending()
    parts = [
        lead,
        why,
        (confirmation.left_elsewhere(domain) if removal else "") or pending,
        wording.unanswered(unanswered_until(domain)) if in_flight else "",
    ]
    return " ".join(filter(None, parts))


def unanswered_until(domain: str) -> datetime | None:
    """Until when SES may apply the last call for the domain that got no answer; None without one. One statement.

    A call that the current holder of the lease has just sent still waits for its answer, and does not count.
    """
    config = ses_config()
    being_sent = Lease.objects.of(config).filter(expires_at__gt=Now()).exclude(holder="").values("fence")
    calls = InFlightCall.objects.of(config).filter(entry__domain=domain, until__gt=Now()).exclude(fence__in=being_sent)
    return calls.order_by("-until").values_list("until", flat=True).first()
