"""Create an account with a million mails in SQL, and print its key: `python -m bench.mail.seed_process COUNT DOMAINS`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import django

from bench.mail.keys import DOMAIN, KEY_DIGITS


def main(count: int, domains: int) -> None:
    django.setup()
    from django.utils import timezone

    from bench import seeding
    from mail.models import Delivery, MailSweep, Message, MessageReference, ReceivedEmail

    account = seeding.create_account("mail")
    rows = seeding.create_domains(account.owner, (DOMAIN.format(number) for number in range(domains)))
    now, domain = timezone.now(), rows[0]
    first = Message.objects.create(
        domain=domain,
        bucket="inbound-mail",
        ses_id="first",
        key=f"{domain.key_prefix}first",
        size=10_000,
        source=Message.Source.QUEUE,
        arrived_at=now,
        state=Message.State.INGESTED,
        retry_at=None,
        subject="Invoice für Sie",
        from_address="jo@example.net",
        text="The quick brown fox. " * 100,
        html="<p>The quick brown fox.</p>" * 100,
        preview="The quick brown fox.",
    )
    shown = ReceivedEmail.objects.create(
        message=first,
        domain=domain,
        owner=account.owner,
        recipient=f"a@{domain.name}",
        arrived_at=now,
        disposition=ReceivedEmail.Disposition.ROUTED,
        route={"matched": "address", "endpointId": account.endpoint_id, "reason": "address"},
    )
    delivery = Delivery.objects.create(
        received=shown,
        endpoint_id=account.endpoint_id,
        endpoint_name="Main",
        state=Delivery.State.DELIVERED,
        attempts=1,
        retry_at=None,
        expires_at=now,
        last_attempt_at=now,
        finished_at=now,
        response={"responseCode": 200, "responseBody": "ok", "deliveryTime": 20, "error": None},
    )
    reference = MessageReference.objects.create(message=first, digest="first")
    # Evenly over the last 29 days, and as many for each domain.
    prefixes = {"id": [row.pk for row in rows], "prefix": [row.key_prefix for row in rows]}
    numbers = f"""
        generate_series(0, {count - 1}) AS n
        JOIN unnest(%(id)s::text[], %(prefix)s::text[]) WITH ORDINALITY AS d (id, prefix, number)
          ON d.number = n %% {domains} + 1"""
    messages = f"mail_message AS m JOIN domains_domain AS d ON d.id = m.domain_id WHERE m.id <> {first.pk}"
    emails = f"mail_receivedemail AS r WHERE r.id <> '{shown.pk}'"
    with _indexed_afterwards(Message, ReceivedEmail, Delivery, MessageReference):
        _copy(
            first,
            numbers,
            prefixes,
            domain_id="d.id",
            ses_id=f"lpad(n::text, {KEY_DIGITS}, '0')",
            key=f"d.prefix || lpad(n::text, {KEY_DIGITS}, '0')",
            arrived_at=f"now() - n * interval '{29 * 86400 / count:f} seconds'",
            id="nextval(pg_get_serial_sequence('mail_message', 'id'))",
        )
        _copy(
            shown,
            messages,
            id="md5(m.id::text)",
            message_id="m.id",
            domain_id="d.id",
            recipient="'a@' || d.name",
            arrived_at="m.arrived_at",
        )
        _count(emails)
        # One in a hundred has failed.
        state = "CASE WHEN mod(hashtext(r.id), 100) = 0 THEN 'dead' ELSE 'delivered' END"
        _copy(delivery, emails, id="md5(r.id)", received_id="r.id", created_at="r.arrived_at", state=state)
        # Threads of five.
        _copy(
            reference,
            messages,
            id="nextval(pg_get_serial_sequence('mail_messagereference', 'id'))",
            message_id="m.id",
            digest="md5((m.id / 5)::text)",
        )
    first.delete()
    MailSweep.objects.all().delete()
    seeding.analyze(full=False)
    email = ReceivedEmail.objects.order_by("arrived_at")[0].pk
    sys.stdout.write(json.dumps({"key": account.key, "endpoint": account.endpoint_id, "email": email}))


@contextmanager
def _indexed_afterwards(*models: Any) -> Iterator[None]:
    """Create the indexes of these tables when all rows are there."""
    from django.db import connection

    tables = [model._meta.db_table for model in models]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
            WHERE indrelid = ANY (%s::regclass[])
              AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)""",
            [tables],
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        # No triggers: what the rows refer to is there.
        cursor.execute(
            "SET session_replication_role = replica; SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'"
        )
        yield
        cursor.execute("SET session_replication_role = origin")
        for _, definition in indexes:
            cursor.execute(definition)


def _count(emails: str) -> None:
    """Do what the triggers would do for each row."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO mail_mailcount (domain_id, unit, start, received, archived)
            SELECT domain_id, unit, CASE unit WHEN 'all' THEN timestamptz '1970-01-01 00:00+00'
                                    ELSE date_trunc(unit, arrived_at, 'UTC') END, count(*), 0
            FROM unnest(ARRAY['all', 'day', 'hour']) AS unit, {emails} GROUP BY 1, 2, 3
            ON CONFLICT (unit, start, domain_id) DO UPDATE SET received = mail_mailcount.received + EXCLUDED.received"""  # noqa: S608 - names
        )


def _copy(row: Any, source: str, parameters: Mapping[str, Any] | None = None, **changed: str) -> None:
    """Insert a copy of the row for each row of `source`, with other values in some columns."""
    from django.db import connection

    table = row._meta.db_table
    columns = [field.column for field in row._meta.concrete_fields]
    values = ", ".join(changed.get(column, f'p."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    rest = source if " WHERE " in source else f"{source} WHERE true"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} AS p, {rest} AND p.id = %(copied)s",  # noqa: S608 - names
            {"copied": row.pk, **(parameters or {})},
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
