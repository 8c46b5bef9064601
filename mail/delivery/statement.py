"""The statement that claims deliveries, for both databases.

What it costs depends on the endpoints that it looks at, and not on how much waits for them: it jumps from endpoint to endpoint
in the index deliveries_due, and stops as soon as it has found enough of them (docs/architecture/delivery.md, "Costs").
"""

from __future__ import annotations

from functools import cache

from domains.models import Domain
from endpoints.models import Endpoint
from mail.models import Delivery, EndpointGate, ReceivedEmail
from mail.models.delivery import SQLITE_TIME
from mail.models.gate import GATE_CLOSES_AFTER

# Deliveries to one endpoint at the same time, by all processes.
MOST_AT_ONCE = 8
# How long an attempt may take: without `timeout` in the endpoint's config, at most, and for a forward.
WEBHOOK_SECONDS = 30
LONGEST_WEBHOOK_SECONDS = 300
FORWARD_SECONDS = 60
# How much longer a claim lasts, for everything besides waiting for the answer.
MARGIN_SECONDS = 30

_OLDEST = """
        SELECT w.id, w.retry_at FROM {{deliveries}} w
        WHERE w.state = 'due' AND w.endpoint_id = a.endpoint_id AND w.retry_at <= {{until}} ORDER BY w.retry_at LIMIT {most}
    """
_ON_POSTGRESQL = {
    "now": "STATEMENT_TIMESTAMP()",
    "until": "LEAST(STATEMENT_TIMESTAMP(), %(before)s::timestamptz)",
    "lease_end": "STATEMENT_TIMESTAMP() + l.seconds * INTERVAL '1 second'",
    # A number cannot be made of everything that is in a config, and an error here would stop all deliveries. Only webhooks'
    # numbers have been checked: others may have more digits than a number takes.
    "timeout": "CASE WHEN JSONB_TYPEOF(e.config->'timeout') = 'number' THEN (e.config->>'timeout')::float END",
    "retries": "CASE WHEN JSONB_TYPEOF(e.config->'retryAttempts') = 'number' THEN (e.config->>'retryAttempts')::float END",
    "least": "LEAST",
    "lock": "FOR UPDATE OF d SKIP LOCKED",
    "oldest": f"JOIN LATERAL ({_OLDEST.format(most='a.allowance')}) d ON TRUE",
    "turn": "l.turn",
}
_ON_SQLITE = {
    "now": SQLITE_TIME.format(""),
    "until": f"MIN({SQLITE_TIME.format('')}, COALESCE(%(before)s, {SQLITE_TIME.format('')}))",
    "lease_end": SQLITE_TIME.format(", '+' || l.seconds || ' seconds'"),
    "timeout": "CASE WHEN JSON_TYPE(e.config, '$.timeout') IN ('integer', 'real') THEN e.config->>'timeout' END",
    "retries": "CASE WHEN JSON_TYPE(e.config, '$.retryAttempts') IN ('integer', 'real') THEN e.config->>'retryAttempts' END",
    "least": "MIN",
    "lock": "",
    "oldest": f"JOIN {{deliveries}} d ON d.id IN (SELECT id FROM ({_OLDEST.format(most=MOST_AT_ONCE)}))",  # noqa: S608
    # It returns the rows in the order in which they were chosen, and has no other name for that.
    "turn": "0",
}
_SQL = """
WITH RECURSIVE ring(endpoint_id, place, lap) AS (
    -- Every endpoint with something to deliver: those behind the one named, and then, after a NULL, the others.
    SELECT CAST(%(after)s AS text), 0, 0
    UNION ALL
    SELECT
        CASE WHEN r.endpoint_id IS NULL THEN '' ELSE (
            SELECT MIN(d.endpoint_id) FROM {deliveries} d WHERE d.state = 'due' AND d.endpoint_id > r.endpoint_id
        ) END,
        r.place + 1,
        CASE WHEN r.endpoint_id IS NULL THEN 1 ELSE r.lap END
    FROM ring r
    WHERE (r.lap = 0 OR r.endpoint_id < %(after)s)
), gauged AS (
    SELECT r.endpoint_id, r.place, (
        SELECT CASE
            WHEN g.not_before > {now} OR ({slow} AND %(most_slow)s <= 0) THEN 0
            WHEN g.failures >= {gate_closes_after} THEN 1
            ELSE {most_at_once}
        END - (SELECT COUNT(*) FROM {deliveries} h WHERE h.endpoint_id = e.id AND h.leased_until > {now})
        FROM {endpoints} e LEFT JOIN {gates} g ON g.endpoint_id = e.id
        WHERE e.id = r.endpoint_id AND e.is_active
    ) AS allowance
    FROM ring r
    WHERE r.endpoint_id <> '' AND r.place > 0 AND (r.lap = 0 OR r.endpoint_id <= %(after)s)
    AND (SELECT MIN(d.retry_at) FROM {deliveries} d WHERE d.state = 'due' AND d.endpoint_id = r.endpoint_id) <= {until}
), allowed AS (
    SELECT endpoint_id, place, allowance FROM gauged WHERE allowance > 0 LIMIT %(most)s
), found AS (
    SELECT d.id, a.place, a.allowance, ROW_NUMBER() OVER (PARTITION BY a.place ORDER BY d.retry_at) AS number,
        {slow} AS is_slow, {seconds} AS seconds
    FROM allowed a
    {oldest}
    JOIN {endpoints} e ON e.id = a.endpoint_id
    LEFT JOIN {gates} g ON g.endpoint_id = a.endpoint_id
), ranked AS (
    SELECT id, seconds, is_slow,
        ROW_NUMBER() OVER (ORDER BY number, place) AS turn,
        ROW_NUMBER() OVER (PARTITION BY is_slow ORDER BY number, place) AS turn_of_kind
    FROM found WHERE number <= allowance
), chosen AS (
    SELECT id, turn, seconds FROM ranked WHERE NOT is_slow OR turn_of_kind <= %(most_slow)s ORDER BY turn LIMIT %(most)s
), locked AS (
    SELECT d.id, c.turn, c.seconds + {margin} AS seconds FROM chosen c JOIN {deliveries} d ON d.id = c.id
    WHERE d.state = 'due' AND d.retry_at <= {until} {lock}
)
UPDATE {deliveries} SET attempts = attempts + 1, leased_until = {lease_end}, retry_at = {lease_end}
FROM locked l WHERE {deliveries}.id = l.id
RETURNING
    {turn},
    EXISTS (
        SELECT 1 FROM {received} r JOIN {domains} m ON m.id = r.domain_id
        WHERE r.id = {deliveries}.received_id AND m.deleting_since IS NULL
    ),
    {deliveries}.id, attempts, {deliveries}.endpoint_id, received_id, attempts - attempts_before, body_digest,
    (SELECT {seconds} FROM {endpoints} e WHERE e.id = {deliveries}.endpoint_id),
    (SELECT e.type FROM {endpoints} e WHERE e.id = {deliveries}.endpoint_id),
    (SELECT {retries} FROM {endpoints} e WHERE e.id = {deliveries}.endpoint_id AND e.type = '{webhook}'),
    (SELECT g.is_slow FROM {gates} g WHERE g.endpoint_id = {deliveries}.endpoint_id)
"""


@cache
def statement(vendor: str) -> str:
    """The statement, with the parameters after, most, most_slow and before."""
    dialect = _ON_POSTGRESQL if vendor == "postgresql" else _ON_SQLITE
    seconds = (
        f"(CASE WHEN e.type <> '{Endpoint.Type.WEBHOOK}' THEN {FORWARD_SECONDS}"
        f" ELSE {dialect['least']}({LONGEST_WEBHOOK_SECONDS}, COALESCE({dialect['timeout']}, {WEBHOOK_SECONDS})) END)"
    )
    # A forward may have to wait for SES. All together must not keep webhooks waiting.
    slow = f"(COALESCE(g.is_slow, FALSE) OR e.type <> '{Endpoint.Type.WEBHOOK}')"
    tables = {
        "deliveries": Delivery,
        "endpoints": Endpoint,
        "gates": EndpointGate,
        "received": ReceivedEmail,
        "domains": Domain,
    }
    names = (
        dialect | {name: model._meta.db_table for name, model in tables.items()} | {"seconds": seconds, "slow": slow}
    )
    sql = _SQL.replace("{oldest}", dialect["oldest"])
    return sql.format(
        **names,
        webhook=Endpoint.Type.WEBHOOK,
        most_at_once=MOST_AT_ONCE,
        gate_closes_after=GATE_CLOSES_AFTER,
        margin=MARGIN_SECONDS,
    )
