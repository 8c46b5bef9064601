"""Create an account with a million mails in SQL, and print its key: `python -m bench.mail.seed_process COUNT DOMAINS`."""

from __future__ import annotations

import json
import sys
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
    now = timezone.now()
    for number, domain in enumerate(rows):
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
        series = f"generate_series({number}, {count - 1}, {domains}) AS n"
        age = f"now() - n * interval '{29 * 86400 / count:f} seconds'"
        _copy(
            first,
            series,
            ses_id=f"lpad(n::text, {KEY_DIGITS}, '0')",
            key=f"'{domain.key_prefix}' || lpad(n::text, {KEY_DIGITS}, '0')",
            arrived_at=age,
            id="nextval(pg_get_serial_sequence('mail_message', 'id'))",
        )
        messages = f"mail_message AS m WHERE m.domain_id = '{domain.pk}' AND m.ses_id <> 'first'"
        _copy(shown, messages, id="md5(m.id::text)", message_id="m.id", arrived_at="m.arrived_at")
        # One in a hundred has failed.
        emails = f"mail_receivedemail AS r WHERE r.domain_id = '{domain.pk}' AND r.id <> '{shown.pk}'"
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
    seeding.analyze()
    email = ReceivedEmail.objects.order_by("arrived_at")[0].pk
    sys.stdout.write(json.dumps({"key": account.key, "endpoint": account.endpoint_id, "email": email}))


def _copy(row: Any, source: str, **changed: str) -> None:
    """Insert a copy of the row for each row of `source`, with other values in some columns."""
    from django.db import connection

    table = row._meta.db_table
    columns = [field.column for field in row._meta.concrete_fields]
    values = ", ".join(changed.get(column, f'p."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    rest = source if " WHERE " in source else f"{source} WHERE true"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} AS p, {rest} AND p.id = %s",  # noqa: S608 - names
            [row.pk],
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
