"""Prebuilt SQL of the reconciler's hot path: the statements that every change of an address or a domain needs.

Building a query with the ORM takes about twice as long as running it. So these statements are text, and the ORM builds all
others. ses_integration/tests/models/ runs each one beside its ORM form.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone


@dataclass(frozen=True, slots=True)
class After:
    """A parameter for `{after}`: the database's time when the statement runs, plus some seconds."""

    seconds: float


class Statement:
    """One SQL statement for PostgreSQL and SQLite. Parameters are `%s`, as in Django.

    The text may contain `{now}`, the database's time; `{after}`, a time whose parameter is an `After`; `{lock}`, which locks
    the row `s` that is found and skips a locked one; and `{each}`, a list in parentheses, whose values are passed as `each`.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._postgresql = (
            text.replace("{now}", "STATEMENT_TIMESTAMP()")
            .replace("{after}", "STATEMENT_TIMESTAMP() + %s")
            .replace("{lock}", "FOR UPDATE OF s SKIP LOCKED")
        )

    def rows(self, *parameters: Any, each: Collection[str | int] = ()) -> list[tuple[Any, ...]]:
        """Run the statement and return the rows that it finds, or with RETURNING, those that it changes."""
        with connection.cursor() as cursor:
            self._execute(cursor, parameters, each)
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    def row(self, *parameters: Any) -> tuple[Any, ...] | None:
        """The first of `rows`, or None."""
        found = self.rows(*parameters)
        return found[0] if found else None

    def run(self, *parameters: Any, each: Collection[str | int] = ()) -> int:
        """Run a statement that returns no rows. Returns how many it has changed."""
        with connection.cursor() as cursor:
            self._execute(cursor, parameters, each)
            changed: int = cursor.rowcount
        return changed

    def _execute(self, cursor: Any, parameters: tuple[Any, ...], each: Collection[str | int]) -> None:
        if connection.vendor == "postgresql":
            text = self._postgresql
            values = [timedelta(seconds=it.seconds) if isinstance(it, After) else it for it in parameters]
        else:
            # SQLite runs in this process, and its own clock counts only milliseconds.
            now = timezone.now()
            text = self._text.replace("{now}", f"'{_as_text(now)}'").replace("{after}", "%s").replace("{lock}", "")
            values = [
                _as_text(now + timedelta(seconds=it.seconds)) if isinstance(it, After) else it for it in parameters
            ]
        if each:
            text = text.replace("{each}", f"({', '.join(['%s'] * len(each))})")
        cursor.execute(text, [*values, *each])


def _as_text(moment: datetime) -> str:
    return str(moment.astimezone(UTC).replace(tzinfo=None))


def moment(value: Any) -> Any:
    """A time that a statement has returned, or None. SQLite returns text, or a time without a zone."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


# The last parameter is the slot of the only address that has changed, or None.
RAISE_GENERATION = Statement(
    """
    INSERT INTO ses_integration_domainsync AS s (
      region, rule_set, domain, generation, observed_generation, changed_at, queued_at, attempts, stalled, last_error
    )
    VALUES (%s, %s, %s, 1, 0, {now}, {now}, 0, FALSE, '')
    ON CONFLICT (region, rule_set, domain) DO UPDATE
    SET generation = s.generation + 1, retry_at = NULL, changed_at = {now}, queued_at = COALESCE(s.queued_at, {now}),
      change_log = CASE WHEN LENGTH(s.change_log) BETWEEN 1 AND 400
        THEN COALESCE(s.change_log || ' ' || CAST(s.generation + 1 AS TEXT) || ':' || CAST(%s AS TEXT), '') ELSE '' END
    RETURNING generation
    """
)

# Kind and name of each ledger entry of a domain, and the learned limit of recipients.
RESERVED = Statement(
    """
    SELECT e.kind, e.name, r.recipients_per_rule
    FROM ses_integration_ledgerentry e
    LEFT JOIN ses_integration_rulesetstate r ON r.region = e.region AND r.rule_set = e.rule_set
    WHERE e.region = %s AND e.rule_set = %s AND e.domain = %s
    """
)

# Whether a rule of the domain may still get a recipient, and whether one is recorded in another region or rule set. No row:
# the generation is not observed yet, or a rule has one of the recipients.
CONFIRM_REMOVAL = Statement(
    """
    SELECT
      EXISTS (
        SELECT 1 FROM ses_integration_inflightcall c JOIN ses_integration_ledgerentry e ON e.id = c.entry_id
        WHERE e.domain = s.domain AND e.kind = 'rule' AND e.region <> '' AND c.operation IN ('create_rule', 'update_rule')
      ),
      EXISTS (
        SELECT 1 FROM ses_integration_ledgerrecipient r JOIN ses_integration_ledgerentry e ON e.id = r.entry_id
        WHERE e.domain = s.domain AND e.kind = 'rule' AND e.region <> '' AND (e.region, e.rule_set) <> (s.region, s.rule_set)
      )
    FROM ses_integration_domainsync s
    WHERE s.region = %s AND s.rule_set = %s AND s.domain = %s AND s.observed_generation >= COALESCE(%s, s.generation)
      AND NOT EXISTS (
        SELECT 1 FROM ses_integration_ledgerrecipient r JOIN ses_integration_ledgerentry e ON e.id = r.entry_id
        WHERE (e.domain, e.region, e.rule_set) = (s.domain, s.region, s.rule_set) AND e.kind = 'rule' AND r.recipient IN {each}
      )
    """
)

# A holder in the background lets waiting requests go first.
TAKE_LEASE = Statement(
    """
    UPDATE ses_integration_lease
    SET holder = %s, fence = fence + 1, expires_at = {after}, requested_until = NULL
    WHERE id = (
      SELECT s.id FROM ses_integration_lease s
      WHERE s.region = %s AND s.rule_set = %s AND (s.holder = '' OR s.expires_at <= {now})
        AND (%s OR s.requested_until IS NULL OR s.requested_until <= {now})
      {lock}
    )
    RETURNING id, fence, outage_since
    """
)
RENEW_LEASE = Statement(
    """
    UPDATE ses_integration_lease SET expires_at = {after}
    WHERE id = %s AND holder = %s AND fence = %s
    RETURNING outage_since
    """
)
RELEASE_LEASE = Statement(
    """
    UPDATE ses_integration_lease SET holder = '', expires_at = {now}
    WHERE id = %s AND holder = %s AND fence = %s
    RETURNING outage_since
    """
)

# With the lock comes all that a step needs besides rows and ledger: time, learned recipient limit and account.
_LOCK = """
    SELECT s.id, s.domain, s.generation, s.attempts, COALESCE(s.batch_until > {now}, FALSE), {now},
      s.observed_generation, s.change_log,
      COALESCE(r.rows_compared, FALSE), r.recipients_per_rule, COALESCE(r.account, '')
    FROM ses_integration_domainsync s
    LEFT JOIN ses_integration_rulesetstate r ON r.region = s.region AND r.rule_set = s.rule_set
    WHERE s.region = %s AND s.rule_set = %s AND """
LOCK_DOMAIN = Statement(_LOCK + "s.domain = %s {lock}")
# The domain with the longest wait, among the given one and those whose wait began after a given time.
LOCK_NEXT = Statement(
    _LOCK
    + """s.generation > s.observed_generation AND (s.retry_at IS NULL OR s.retry_at <= {now})
      AND (s.queued_at > {after} OR s.domain = %s)
    ORDER BY s.queued_at, s.domain LIMIT 1
    {lock}
    """
)
READ_PROGRESS = Statement(
    """
    SELECT s.generation, s.observed_generation, s.retry_at, {now}, (
      SELECT MIN(c.until) FROM ses_integration_inflightcall c JOIN ses_integration_ledgerentry e ON e.id = c.entry_id
      WHERE e.domain = s.domain AND e.region = s.region AND e.rule_set = s.rule_set
    )
    FROM ses_integration_domainsync s
    WHERE s.region = %s AND s.rule_set = %s AND s.domain = %s
    """
)
# The first parameter is the change log that the pass has read. If somebody has voided it since, it stays void.
SETTLE = Statement(
    """
    UPDATE ses_integration_domainsync
    SET observed_generation = generation,
      change_log = CASE WHEN change_log = %s THEN CAST(generation AS TEXT) || ':' || CAST(%s AS TEXT) ELSE '' END,
      queued_at = NULL, retry_at = NULL, attempts = 0, stalled = FALSE, last_error = '',
      batch_until = CASE WHEN generation > observed_generation + 1 THEN {after} END
    WHERE id = (SELECT s.id FROM ses_integration_domainsync s WHERE s.id = %s AND s.generation = %s {lock})
    """
)

# The ledger of one domain. An identity belongs to the region, so also what another rule set knows of it.
READ_ENTRIES = Statement(
    """
    SELECT e.id, e.rule_set, e.domain, e.kind, e.name, e.presence, e."exists", e.digest,
      i.ours, i.verification_token, i.mail_from_domain,
      EXISTS (SELECT 1 FROM ses_integration_inflightcall c WHERE c.entry_id = e.id)
    FROM ses_integration_ledgerentry e
    LEFT JOIN ses_integration_ledgeridentity i ON i.entry_id = e.id
    WHERE e.region = %s AND e.domain = %s AND (e.rule_set = %s OR (e.kind = 'identity' AND e.presence <> 'absent'))
    ORDER BY e.name
    """
)
READ_RECIPIENTS = Statement(
    """
    SELECT entry_id, recipient FROM ses_integration_ledgerrecipient WHERE entry_id IN {each}
    """
)
WRITE_ENTRY = Statement(
    """
    UPDATE ses_integration_ledgerentry SET presence = %s, "exists" = %s, digest = %s, changed_at = {now} WHERE id = %s
    """
)
DELETE_ENTRY = Statement("DELETE FROM ses_integration_ledgerentry WHERE id = %s")
DELETE_RECIPIENTS = Statement("DELETE FROM ses_integration_ledgerrecipient WHERE entry_id = %s AND recipient IN {each}")
INSERT_CALL = Statement(
    """
    INSERT INTO ses_integration_inflightcall (entry_id, operation, recipients, fence, until)
    VALUES (%s, %s, %s, %s, {after})
    RETURNING id
    """
)
DELETE_CALLS = Statement("DELETE FROM ses_integration_inflightcall WHERE id IN {each}")
CLAIM_SLOT = Statement(
    "UPDATE ses_integration_ratelimit SET next_slot = {after} WHERE region = %s AND next_slot <= {now}"
)
# The next slot is at least so far away.
DELAY_SLOT = Statement(
    "UPDATE ses_integration_ratelimit SET next_slot = {after} WHERE region = %s AND next_slot < {after}"
)

# Parameters: when the next slot is, the region, and the rate that this was computed from.
CLAIM_SENDING_SLOT = Statement(
    """
    UPDATE ses_integration_sendinglimit SET next_slot = {after}, sent = sent + 1
    WHERE region = %s AND per_second = %s AND next_slot <= {now} AND ask_at > {now} AND (per_day <= 0 OR sent < per_day)
    """
)
