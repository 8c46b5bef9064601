"""Records of the zone, in the JSON of the API that lists them: `GET /domains/{id}/dns-records` and `POST /domains`."""

from __future__ import annotations

from typing import Any

import dns.exception

from ses_integration.emulator.dns.zone import Zone

TYPES = ("TXT", "MX", "CNAME")
# In GET /domains/{id}/dns-records and POST /domains/{id}/auth, and in POST /domains.
LISTS = ("records", "dnsRecords")
EXAMPLE = '{"type": "MX", "name": "example.com", "value": "10 mx.example.net"}'


class InvalidRecords(ValueError):
    """The body has no records, or some that DNS cannot hold. The message says why."""


def listed(zone: Zone) -> list[dict[str, str]]:
    return [{"type": type, "name": name, "value": value} for type, name, value in zone.records()]


def add(zone: Zone, body: Any) -> None:
    """Publish the records of an answer of the API, of a list, or one record. Raises InvalidRecords."""
    for record in _records(body):
        type = record.get("type") or record.get("recordType")
        name, value = record.get("name"), record.get("value")
        if type not in TYPES or not isinstance(name, str) or not isinstance(value, str):
            raise InvalidRecords(f"A record is like {EXAMPLE}. The types are {', '.join(TYPES)}.")
        try:
            zone.add(name, type, value)
        except (dns.exception.DNSException, UnicodeError, ValueError) as error:
            raise InvalidRecords(f"{type} {name} {value} is not a record: {error}") from error


def remove(zone: Zone, body: Any) -> None:
    """Remove everything, a name with all names below it, or a name's records of one type. Raises InvalidRecords."""
    body = body or {"name": "."}
    if not isinstance(body, dict) or not isinstance(body.get("name"), str) or body.keys() - {"name", "type"}:
        raise InvalidRecords("The body has 'name', or 'name' and 'type'. Without a body all records are removed.")
    if body.get("type", "") not in ("", *TYPES):
        raise InvalidRecords(f"'type' is one of {', '.join(TYPES)}.")
    try:
        zone.withdraw(body["name"], body.get("type", ""))
    except (dns.exception.DNSException, UnicodeError) as error:
        raise InvalidRecords(f"{body['name']} is not a name: {error}") from error


def _records(body: Any) -> list[dict[str, Any]]:
    if isinstance(body, dict):
        body = next((body[name] for name in LISTS if name in body), [body])
    if not isinstance(body, list) or not all(isinstance(record, dict) for record in body):
        raise InvalidRecords(
            f"The body is a record like {EXAMPLE}, a list of them, or an answer of the API that has one."
        )
    return body
