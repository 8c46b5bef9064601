"""No path and no method shows anything of another user."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from addresses.deletion_plan import plan_of as address_plan
from archives.models import Export, Import
from domains.deletion.service import delete_domain
from domains.deletion_plan.build import plan_of as domain_plan
from domains.models import Domain, DomainDeletion
from inbound.tests.access.rows import everything
from inbound.tests.api.routes import ROUTES, allows, path_of
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DeletedAddressFactory,
    DeliveryFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    UserFactory,
)
from mail.tests.inbox import ATTACHMENTS, RAW, stored
from ses_integration.models import InFlightCall, LedgerEntry

METHODS = ["get", "head", "options", "post", "put", "patch", "delete"]
OF_ONE = [route for route in ROUTES if "<" in route]
OF_MANY = [route for route in ROUTES if "<" not in route]
# A valid body of every PUT, and of PATCH, so that the answers are not about the body.
BODY = {"isCatchAllEnabled": False, "isActive": False, "name": "Mine now", "isRead": True, "status": "failed"}


@pytest.fixture
def tokens(ses, user) -> list[str]:
    """One row of each kind, whose id is the first part of its path. Returns the tokens of the deletion plans."""
    endpoint = EndpointFactory(pk="endpoints", owner=user, name="theirs")
    domain = DomainFactory(
        pk="domains", owner=user, name="theirs.example.com", is_catch_all_enabled=True, catch_all_endpoint=endpoint
    )
    address = EmailAddressFactory(pk="email-addresses", domain=domain)
    DeletedAddressFactory(pk="deleted-addresses", domain=domain)
    BlockedEmailFactory(pk="blocked-emails", domain=domain)
    DnsRecordFactory(pk="dns-records", domain=domain)
    DomainDeletion.objects.create(pk="deletions", domain_id="indm_gone", name="gone.theirs.example.com", owner=user)
    Export.objects.create(pk="exports", domain=domain, domain_name="theirs.example.com", account=user, bucket="b")
    Import.objects.create(pk="imports", domain=domain, domain_name="theirs.example.com", account=user)
    for pk in ("mail", "attachments"):
        email = stored(domain, RAW, pk=pk, subject="theirs", attachments=ATTACHMENTS)
        DeliveryFactory(received=email, endpoint=endpoint, state="dead")
    return [str(domain_plan(domain).token), str(address_plan(address).token)]


@pytest.mark.parametrize("route", OF_ONE)
def test_another_users_row_is_404_like_an_unknown_id(tokens, ses, client_for, route):
    stranger = client_for(UserFactory())
    theirs, nothing = path_of(route), path_of(route, "nothing")
    before = everything()
    ses.clear_journal()
    queries = ["", "?dry_run=true", *(f"?plan={token}" for token in tokens), f"?dry_run=true&plan={tokens[0]}"]
    for method in METHODS:
        for query in queries if method == "delete" else [""]:
            body = BODY if method in ("post", "put", "patch") else None
            answer = getattr(stranger, method)(theirs + query, body)
            has_plan = hasattr(ROUTES[route].cls, "deletion_plan") and ROUTES[route].actions.get("delete") == "destroy"
            refused = bool(query) and not has_plan
            expected = 204 if method == "options" else 405 if not allows(route, method) else 400 if refused else 404
            assert answer.status_code == expected, (method, query)
            assert answer.content == getattr(stranger, method)(nothing + query, body).content
    assert everything() == before
    assert ses.journal() == []


@pytest.mark.parametrize("route", OF_MANY)
def test_lists_and_counts_contain_nothing_of_other_users(tokens, client_for, route):
    stranger = client_for(UserFactory())
    answer = stranger.get(f"/api/v2/{route}")
    assert "theirs" not in answer.content.decode()
    if answer.status_code == 200:
        shown = answer.json()
        # The audit log has how the stranger and their key were added.
        rows = [
            row for row in shown.get(ROUTES[route].cls.rows_name, []) if row.get("objectType") not in ("user", "apiKey")
        ]
        assert rows == [] == [count for count in shown.values() if count == 1]
    else:
        assert answer.status_code == 405


def test_the_owner_sees_the_rows(tokens, api):
    """Otherwise the tests above would prove nothing."""
    for route in OF_ONE:
        if allows(route, "get"):
            answer = api.get(path_of(route))
            assert answer.status_code == 200, route
            answer.close()


# The ledger belongs to the name. The previous owner's clean-up in SES is not finished yet.

SECRETS = ("unseen", "previous-owner", "-rule-2", "-catchall")


@pytest.fixture
def inherited(ses, settings) -> Domain:
    """`example.com` of its new owner, whose address is in a rule that also has the previous owner's addresses."""
    settings.SES_MAX_RECIPIENTS_PER_RULE = 2
    previous = DomainFactory(owner=UserFactory(username="previous-owner"), name="example.com", pk="indm_unseen")
    for number in range(3):
        EmailAddressFactory(domain=previous, address=f"unseen-{number}@example.com", slot=number)
    # No request reaches SES from here on, so the ledger does not change.
    settings.SES_REQUEST_BUDGET = 0
    delete_domain(domain=previous, requested_by="previous-owner")
    late, until = ["unseen-late@example.com"], timezone.now() + timedelta(hours=1)
    for entry in LedgerEntry.objects.filter(kind="rule"):
        InFlightCall.objects.create(entry=entry, operation="update_rule", recipients=late, fence=1, until=until)
    endpoint = EndpointFactory(pk="endpoints", name="Mine")
    domain = DomainFactory(pk="domains", owner=endpoint.owner, name="example.com")
    EmailAddressFactory(pk="email-addresses", domain=domain, address="new@example.com", endpoint=endpoint)
    BlockedEmailFactory(pk="blocked-emails", domain=domain)
    DnsRecordFactory(pk="dns-records", domain=domain)
    DomainDeletion.objects.create(pk="deletions", domain_id="indm_mine", name="example.com", owner=endpoint.owner)
    return domain


def test_the_next_owner_of_a_name_sees_nothing_of_the_previous_owner(inherited, client_for):
    """Call every path with every method: deletions last, and domains after the rows that belong to them."""
    heir = client_for(inherited.owner)
    paths = [path_of(route) for route in ROUTES]
    paths.sort(key=lambda path: (path.startswith("/api/v2/domains"), path))
    requests = [(method, path) for method in METHODS[:-1] for path in paths]
    requests += [("delete", path + query) for query in ("?dry_run=true", "") for path in paths if "-plan" not in path]
    requests += [("get", "/api/v2/deletions")]
    statuses = set()
    for method, path in requests:
        answer = getattr(heir, method)(path, BODY if method in ("post", "put", "patch") else None)
        statuses.add((method, answer.status_code))
        said = f"{answer.content.decode()} {dict(answer.headers)}"
        assert not [secret for secret in SECRETS if secret in said], (method, path, said)
    assert {("get", 200), ("put", 200), ("delete", 200)} <= statuses
    assert not Domain.objects.filter(owner=inherited.owner).exists()


def test_counts_contain_nothing_of_the_previous_owner(inherited, client_for):
    heir = client_for(inherited.owner)
    for path in ("domains/domains/deletion-plan", "email-addresses/email-addresses/deletion-plan"):
        plan = heir.get(f"/api/v2/{path}").json()
        assert [(rule["before"], rule["inDoubt"], rule["hasOthers"]) for rule in plan["receiptRules"]] == [
            ([], [], True)
        ], plan
    heir.delete("/api/v2/domains/domains")
    counts = [
        row["steps"][0]["counts"] for row in heir.get("/api/v2/deletions").json()["data"] if row["id"] != "deletions"
    ]
    assert counts == [{"rules": 1}]
