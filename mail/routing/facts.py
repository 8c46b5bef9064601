"""Read what decides about received emails: their addresses and tombstones, their domains' catch-alls and blocks, in one statement.

It is SQL, because every mail needs it, and Django would take longer to build it than the database to answer it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Literal, cast

from django.conf import settings
from django.db import connection

from addresses.models import BlockedEmail, DeletedAddress, EmailAddress
from domains.models import Domain
from mail.models import MailSweep, Message, ReceivedEmail
from mail.models.delivery import SQLITE_TIME
from mail.routing.route import Facts, Policy, Target

# The time before which mail is history, the position of a character in a text, and the lock of the emails.
_ON_POSTGRESQL = {"oldest": "STATEMENT_TIMESTAMP() - %s", "position": "STRPOS", "lock": "FOR NO KEY UPDATE OF r"}
_ON_SQLITE = {"oldest": SQLITE_TIME.format(", %s"), "position": "INSTR", "lock": ""}
# SES delivers what is for user+label@ to user@.
_BASE = (
    "CASE WHEN {position}(r.recipient, '+') > 1"
    " THEN SUBSTR(r.recipient, 1, {position}(r.recipient, '+') - 1) || '@' || d.name END"
)
# The emails are locked in the order of `mail/marks.py`, which may be changing them.
_SQL = f"""
SELECT r.id, r.recipient, d.is_catch_all_enabled, d.catch_all_endpoint_id, a.is_active, a.endpoint_id, b.is_active, b.endpoint_id,
    EXISTS (SELECT 1 FROM {{blocked}} x WHERE x.email_address IN (r.recipient, {_BASE})),
    EXISTS (SELECT 1 FROM {{deleted}} t WHERE t.address IN (r.recipient, {_BASE})),
    COALESCE(m.source = 'import' OR m.source = 'sweep' AND (r.arrived_at < {{oldest}} OR r.arrived_at < s.deliver_since), FALSE),
    d.receive_dmarc_emails, m.virus, m.spam, m.dmarc, m.dmarc_policy
FROM {{received}} r
JOIN {{messages}} m ON m.id = r.message_id
JOIN {{domains}} d ON d.id = r.domain_id AND d.deleting_since IS NULL
LEFT JOIN {{sweeps}} s ON s.domain_id = d.id
LEFT JOIN {{addresses}} a ON a.address = r.recipient
LEFT JOIN {{addresses}} b ON b.address = {_BASE}
WHERE r.{{column}} IN ({{marks}}) AND r.disposition = %s ORDER BY r.id {{lock}}
"""  # noqa: S608 - the names of tables
_TABLES = {
    "received": ReceivedEmail,
    "messages": Message,
    "domains": Domain,
    "sweeps": MailSweep,
    "addresses": EmailAddress,
    "blocked": BlockedEmail,
    "deleted": DeletedAddress,
}


def policy() -> Policy:
    return Policy(settings.MAIL_ON_VIRUS, settings.MAIL_ON_SPAM, settings.MAIL_ON_DMARC_REJECT)


def facts_of(
    column: Literal["id", "message_id"], keys: Collection[str | int], disposition: ReceivedEmail.Disposition
) -> dict[str, Facts]:
    """The facts of each email with one of these keys and this disposition, by id, without those of a domain that is being deleted.

    Locks the emails.
    """
    if not keys:
        return {}
    is_postgresql = connection.vendor == "postgresql"
    tables = {name: model._meta.db_table for name, model in _TABLES.items()}
    marks = ", ".join(["%s"] * len(keys))
    sql = _SQL.format(column=column, marks=marks, **tables, **(_ON_POSTGRESQL if is_postgresql else _ON_SQLITE))
    days = settings.MAIL_HISTORY_DAYS
    age = timedelta(days=days) if is_postgresql else f"-{days:f} days"
    with connection.cursor() as cursor:
        cursor.execute(sql, cast("Any", [age, *keys, disposition]))
        return {pk: _facts(*more) for pk, *more in cursor.fetchall()}


def _facts(
    recipient: str,
    catches_all: bool,
    catch_all: str | None,
    is_active: bool | None,
    endpoint: str | None,
    base_is_active: bool | None,
    base_endpoint: str | None,
    is_blocked: bool,
    is_deleted: bool,
    is_history: bool,
    receives_dmarc: bool,
    *verdicts: Any,
) -> Facts:
    return Facts(
        recipient,
        None if is_active is None else Target(bool(is_active), endpoint),
        None if base_is_active is None else Target(bool(base_is_active), base_endpoint),
        Target(True, catch_all) if catches_all and catch_all else None,
        bool(is_blocked),
        bool(is_deleted),
        bool(is_history),
        bool(receives_dmarc),
        *verdicts,
    )
