"""Fill the audit log, let something wait everywhere, and add an administrator: `python -m bench.desk.seed_process ENTRIES`.

After `bench.seed_process` and `bench.mail.seed_process`.
"""

# ruff: noqa: S608 - the SQL is made of numbers.
from __future__ import annotations

import sys

import django

from bench.desk.browser import NAME, PASSWORD

# One in so many mails is quarantined, blocked, to be read, or to be delivered.
QUARANTINED, BLOCKED, TO_READ, TO_DELIVER = 500, 200, 1000, 500
# One in so many domains waits for SES, and one in so many endpoints is down.
PENDING, DOWN = 50, 20
# A year of changes of addresses and domains, by their owners, twenty operators, and the workers.
ENTRIES = """
    INSERT INTO audit_change (at, door, who, key, remote, request_id, via, owner_id, action, object_type, object_id,
                              object_name, before, after)
    SELECT now() - (%(entries)s - n) * interval '1 year' / %(entries)s,
           (ARRAY['api', 'api', 'api', 'api', 'api', 'admin', 'admin', 'worker', 'worker', 'worker'])[n %% 10 + 1],
           CASE WHEN n %% 10 < 5 THEN u.username WHEN n %% 10 < 7 THEN 'operator' || n %% 20 ELSE '' END,
           CASE WHEN n %% 10 < 5 THEN 'ik_12345678 bench' ELSE '' END,
           CASE WHEN n %% 10 < 7 THEN '192.0.2.1' ELSE '' END,
           CASE WHEN n %% 10 < 7 THEN md5(n::text) ELSE '' END,
           CASE WHEN n %% 10 < 7 THEN '' ELSE 'reconcile' END,
           d.owner_id,
           CASE WHEN n %% 5000 = 0 THEN 'revoked' WHEN n %% 10 = 0 THEN 'added' WHEN n %% 10 = 1 THEN 'deleted'
                ELSE 'changed' END,
           CASE WHEN n %% 5000 = 0 THEN 'inbound.apikey' WHEN n %% 4 = 0 THEN 'domains.domain'
                ELSE 'addresses.emailaddress' END,
           CASE WHEN n %% 5000 = 0 THEN n::text WHEN n %% 4 = 0 THEN d.id ELSE a.id END,
           CASE WHEN n %% 5000 = 0 THEN 'ci' WHEN n %% 4 = 0 THEN d.name ELSE a.address END,
           CASE WHEN n %% 10 > 0 THEN '{"isActive": true}'::jsonb END,
           CASE WHEN n %% 10 <> 1 THEN '{"isActive": false}'::jsonb END
    FROM generate_series(1, %(entries)s) AS n
    JOIN (SELECT row_number() OVER (ORDER BY md5(id)) - 1 AS number, * FROM addresses_emailaddress) AS a
      ON a.number = n %% (SELECT count(*) FROM addresses_emailaddress)
    JOIN domains_domain AS d ON d.id = a.domain_id
    JOIN auth_user AS u ON u.id = d.owner_id
    ORDER BY n
"""
WORK = [
    # A domain with all its mail, whose rows are being erased.
    """UPDATE domains_domain SET deleting_since = now() - interval '1 hour' WHERE name = 'd1.mail.example.com'""",
    f"""UPDATE mail_receivedemail
        SET disposition = CASE WHEN hashtext(id) %% {QUARANTINED} = 0 THEN 'quarantined' ELSE 'blocked' END
        WHERE hashtext(id) %% {QUARANTINED} = 0 OR hashtext(id) %% {BLOCKED} = 0""",
    f"""UPDATE mail_message SET state = 'arrived', retry_at = arrived_at, problem = 'S3 refused: AccessDenied.'
        WHERE id %% {TO_READ} = 0""",
    f"""INSERT INTO mail_endpointgate (endpoint_id, failures, gone, bounces, dropped, not_before, is_slow, down_since, problem)
        SELECT id, 9, 0, 0, '{{}}', now() + interval '1 hour', false, now() - interval '1 day', 'The endpoint answered 503.'
        FROM endpoints_endpoint WHERE is_active AND hashtext(id) %% {DOWN} = 0""",
    f"""UPDATE mail_delivery AS d SET state = 'due', finished_at = NULL, retry_at = now(), endpoint_id = e.endpoint_id,
               problem = 'The endpoint answered 503.'
        FROM (SELECT row_number() OVER () - 1 AS number, endpoint_id FROM mail_endpointgate) AS e
        WHERE hashtext(d.id) %% {TO_DELIVER} = 0
          AND e.number = abs(hashtext(d.id)) / {TO_DELIVER} %% (SELECT count(*) FROM mail_endpointgate)""",
    f"""UPDATE ses_integration_domainsync SET generation = 2, changed_at = now() - interval '1 hour', attempts = 3,
               retry_at = now() + interval '1 hour', last_error = 'SES refused CreateReceiptRule: Throttling.'
        WHERE id %% {PENDING} = 0""",
]


def main(entries: int) -> None:
    django.setup()
    from django.contrib.auth.models import User
    from django.db import connection

    from bench import seeding

    User.objects.create_superuser(NAME, "bench@example.com", PASSWORD)
    with connection.cursor() as cursor:
        cursor.execute(ENTRIES, {"entries": entries})
        for statement in WORK:
            cursor.execute(statement, [])
    seeding.analyze(full=False)


if __name__ == "__main__":
    main(int(sys.argv[1]))
