"""Requests for deletion plans of domains and of addresses, and deletions that confirm one."""

from __future__ import annotations

from typing import Any

from domains.models import Domain

DOMAINS, ADDRESSES = "/api/v2/domains", "/api/v2/email-addresses"
OUTDATED = (
    "The plan has changed since this token was made. Fetch the deletion plan again, look at it, and use its token."
)
GONE = "What this plan was about has been deleted, or is being deleted. A plan's token is good for one deletion."


def url(row: Any) -> str:
    return f"{DOMAINS if isinstance(row, Domain) else ADDRESSES}/{row.pk}"


def plan_url(row: Any) -> str:
    return f"{url(row)}/deletion-plan"


def plan_of(api: Any, row: Any) -> Any:
    answer = api.get(plan_url(row))
    assert answer.status_code == 200, answer.json()
    return answer.json()


def delete(api: Any, row: Any, **query: str) -> Any:
    return api.delete(url(row), query_params=query)


def assert_refused(answer: Any, sentence: str = OUTDATED) -> None:
    assert (answer.status_code, answer.json()) == (409, {"error": sentence, "code": "PLAN_OUTDATED"})
