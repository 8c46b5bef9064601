"""GET /email-addresses/{id}/deletion-plan, and DELETE with `plan` and `dry_run`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from addresses.deletion import delete_address
from addresses.deletion_plan.build import check_token
from addresses.deletion_plan.build import plan_of as plan_for
from addresses.models import EmailAddress
from addresses.services import update_address
from domains.lifecycle.catch_all import set_catch_all
from domains.models import Domain
from endpoints.services import update_endpoint
from inbound.models import Scope
from inbound.tests.aws import calls, fail_calls, rules, store_mail
from inbound.tests.database_locks import a_transaction_waits_for_a_lock
from inbound.tests.factories import (
    BlockedEmailFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    UserFactory,
)
from inbound.tests.processes.stack import wait_for
from rest.plan_token import PlanOutdated
from ses_integration.models import InFlightCall, LedgerEntry, LedgerIdentity

URL = "/api/v2/email-addresses"
RULE = "inbound-example.com-rule"
CATCH_ALL = "inbound-example.com-catchall-rule"
OUTDATED = (
    "The plan has changed since this token was made. Fetch the deletion plan again, look at it, and use its token."
)
GONE = "What this plan was about has been deleted, or is being deleted. A plan's token is good for one deletion."


@pytest.fixture
def crm(user):
    return EndpointFactory(owner=user, name="CRM")


@pytest.fixture
def address(domain, crm, ses):
    """One of two."""
    row = EmailAddressFactory(domain=domain, address="a@example.com", endpoint=crm)
    EmailAddressFactory(domain=domain, address="b@example.com")
    ses.clear_journal()
    return row


def plan_of(api, address):
    answer = api.get(f"{URL}/{address.pk}/deletion-plan")
    assert answer.status_code == 200, answer.json()
    return answer.json()


def delete(api, address, **query):
    return api.delete(f"{URL}/{address.pk}", query_params=query)


def assert_refused(answer, sentence=OUTDATED):
    assert (answer.status_code, answer.json()) == (409, {"error": sentence, "code": "PLAN_OUTDATED"})


def test_the_plan_says_what_becomes_of_the_rule_and_what_stays(api, address, crm, ses):
    plan = plan_of(api, address)
    assert plan.pop("token").startswith("plan_")
    assert plan.pop("sesConfirmedAt")
    assert plan == {
        "emailAddress": {"id": address.pk, "address": "a@example.com", "isActive": True},
        "isCertain": True,
        "receiptRules": [
            {
                "name": RULE,
                "before": ["a@example.com", "b@example.com"],
                "after": ["b@example.com"],
                "isConfirmed": True,
                "inDoubt": [],
                "hasOthers": False,
            }
        ],
        "sesCalls": {
            "calls": [{"action": "UpdateReceiptRule", "name": RULE, "when": "now"}],
            "count": 1,
            "seconds": 0.0,
            "waiting": [],
            "problem": None,
        },
        "sesProblems": [],
        "stays": {
            "domain": {
                "id": address.domain_id,
                "name": "example.com",
                "emailAddresses": 1,
                "isCatchAllEnabled": False,
            },
            "endpoint": {"id": crm.pk, "name": "CRM", "type": "webhook", "isActive": True},
            "dependentEndpoints": [],
            "isBlocked": False,
        },
    }
    assert ses.journal() == []


# Each shape, with the rules before and after. The calls of the plan are those that are made.


def one_of_two(domain, crm, settings):
    EmailAddressFactory(domain=domain, address="b@example.com")
    return {RULE: (["a@example.com", "b@example.com"], ["b@example.com"])}


def the_last(domain, crm, settings):
    return {RULE: (["a@example.com"], None)}


def with_inactive_ones(domain, crm, settings):
    EmailAddressFactory(domain=domain, address="b@example.com", is_active=False)
    return {RULE: (["a@example.com"], None)}


def of_a_chunk(domain, crm, settings):
    """The others' rules are not concerned."""
    settings.SES_MAX_RECIPIENTS_PER_RULE = 1
    EmailAddressFactory(domain=domain, address="b@example.com")
    return {RULE: (["a@example.com"], None)}


def behind_a_catch_all(domain, crm, settings):
    set_catch_all(domain=domain, enabled=True, endpoint_id=crm.pk)
    return {CATCH_ALL: (["example.com"], ["example.com"])}


def inactive(domain, crm, settings):
    update_address(address=EmailAddress.objects.get(), changes={"is_active": False})
    return {}


def while_another_is_on_its_way(domain, crm, settings):
    settings.SES_REQUEST_BUDGET = 0
    EmailAddressFactory(domain=domain, address="b@example.com")
    settings.SES_REQUEST_BUDGET = 5
    return {RULE: (["a@example.com"], ["b@example.com"])}


def while_the_catch_all_is_on_its_way(domain, crm, settings):
    settings.SES_REQUEST_BUDGET = 0
    set_catch_all(domain=domain, enabled=True, endpoint_id=crm.pk)
    settings.SES_REQUEST_BUDGET = 5
    return {CATCH_ALL: (None, ["example.com"]), RULE: (["a@example.com"], None)}


SHAPES = [
    one_of_two, the_last, with_inactive_ones, of_a_chunk, behind_a_catch_all, inactive, while_another_is_on_its_way,
    while_the_catch_all_is_on_its_way,
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_the_calls_of_the_plan_are_those_that_are_made(api, domain, crm, ses, settings, shape):
    address = EmailAddressFactory(domain=domain, address="a@example.com")
    expected = shape(domain, crm, settings)
    plan = plan_of(api, address)
    assert {rule["name"]: (rule["before"], rule["after"]) for rule in plan["receiptRules"]} == expected
    ses.clear_journal()
    answer = delete(api, address, plan=plan["token"])
    assert (answer.status_code, answer.json()["cleanup"]["sesRuleUpdated"]) == (200, True)
    assert calls(ses) == [call["action"] for call in plan["sesCalls"]["calls"]]
    after = {rule["name"]: set(rule["after"]) for rule in plan["receiptRules"] if rule["after"] is not None}
    assert rules(ses).items() >= after.items()


def test_a_call_without_an_answer_is_told(api, domain, ses, settings):
    settings.SES_REQUEST_BUDGET = 0.4
    fail_calls(ses, action="CreateReceiptRule", fault="lost")
    address = EmailAddressFactory(domain=domain, address="a@example.com")
    plan = plan_of(api, address)
    [rule] = plan["receiptRules"]
    assert (rule["isConfirmed"], rule["inDoubt"], rule["after"], plan["isCertain"]) == (
        False,
        ["a@example.com"],
        None,
        False,
    )
    assert [call["when"] for call in plan["sesCalls"]["calls"]] == ["now", "settled"]


def test_a_call_that_failed_confirms_nothing(api, address, ses, impatient):
    fail_calls(ses)
    EmailAddressFactory(domain=address.domain, address="c@example.com")
    assert calls(ses) == ["UpdateReceiptRule"]
    assert plan_of(api, address)["sesConfirmedAt"] is None


def test_what_is_missing_for_an_update_is_said(api, address, settings):
    settings.S3_BUCKET_NAME = ""
    plan = plan_of(api, address)
    assert (plan["sesCalls"]["problem"], plan["isCertain"]) == ("S3_BUCKET_NAME is missing.", False)


# In their order, one after the other; each of them shows.
SHOWN = {
    "another address": lambda a: EmailAddressFactory(domain=a.domain, address="c@example.com"),
    "another address is switched off": lambda a: update_address(
        address=EmailAddress.objects.get(address="c@example.com"), changes={"is_active": False}
    ),
    "it is switched off": lambda a: update_address(address=a, changes={"is_active": False}),
    "it is switched on": lambda a: update_address(address=a, changes={"is_active": True}),
    "its endpoint is renamed": lambda a: update_endpoint(endpoint=a.endpoint, name="Renamed"),
    "its endpoint is switched off": lambda a: update_endpoint(endpoint=a.endpoint, is_active=False),
    "it has no route": lambda a: update_address(address=a, changes={"endpoint_id": None}),
    "an endpoint forwards to it": lambda a: EndpointFactory(
        owner=a.domain.owner, type="email", config={"forwardTo": a.address}
    ),
    "it is blocked": lambda a: BlockedEmailFactory(domain=a.domain, email_address=a.address),
    "the catch-all is on": lambda a: set_catch_all(
        domain=a.domain, enabled=True, endpoint_id=EndpointFactory(owner=a.domain.owner).pk
    ),
    "the rule is not confirmed": lambda a: LedgerEntry.objects.filter(kind="rule").update(presence="unknown"),
    "a call gets no answer": lambda a: InFlightCall.objects.create(
        entry=LedgerEntry.objects.get(kind="rule"),
        operation="update_rule",
        recipients=["late@example.com"],
        fence=1,
        until=timezone.now() + timedelta(hours=1),
    ),
}

NOT_SHOWN = {
    "nothing": lambda a: None,
    "its endpoint's configuration": lambda a: update_endpoint(
        endpoint=a.endpoint, config={"url": "https://other.example/"}
    ),
    "an endpoint forwards to another address": lambda a: EndpointFactory(
        owner=a.domain.owner, type="email", config={"forwardTo": "b@example.com"}
    ),
    "another address's route": lambda a: EmailAddress.objects.exclude(pk=a.pk).update(endpoint=a.endpoint),
    "another domain": lambda a: EmailAddressFactory(domain=DomainFactory(owner=a.domain.owner)),
    "another block": lambda a: BlockedEmailFactory(domain=a.domain),
    "stored mail": lambda a: store_mail(f"{a.domain.key_prefix}mail"),
    "when SES has confirmed it": lambda a: LedgerEntry.objects.update(changed_at=timezone.now() + timedelta(hours=1)),
    "what SES tells of the identity": lambda a: LedgerIdentity.objects.update(status="Failed"),
}


def fresh(address):
    return EmailAddress.objects.select_related("domain", "endpoint").get(pk=address.pk)


def test_each_change_that_shows_is_refused(address, ses, subtests):
    for what, change in SHOWN.items():
        with subtests.test(what):
            token = str(plan_for(fresh(address)).token)
            change(fresh(address))
            ses.clear_journal()
            with pytest.raises(PlanOutdated):
                delete_address(fresh(address), plan_token=token)
            # Of what the first look did not see yet, the look under the lock is sure.
            with pytest.raises(PlanOutdated), transaction.atomic():
                check_token(fresh(address), token)
            assert calls(ses) == []
    assert EmailAddress.objects.filter(pk=address.pk).exists()


def test_each_change_that_does_not_show_is_accepted(address, subtests):
    token = str(plan_for(fresh(address)).token)
    for what, change in NOT_SHOWN.items():
        with subtests.test(what):
            change(fresh(address))
            assert str(plan_for(fresh(address)).token) == token
            with transaction.atomic():
                check_token(fresh(address), token)
    assert delete_address(fresh(address), plan_token=token).removed_from_ses


@pytest.mark.postgresql
def test_an_address_that_is_added_between_the_look_and_the_lock_is_seen(address):
    """The deletion finds the plan as it was, waits for the lock that the addition holds, and sees the address then."""
    row = fresh(address)
    token = str(plan_for(row).token)

    def refused():
        try:
            with pytest.raises(PlanOutdated):
                delete_address(row, plan_token=token)
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            Domain.objects.select_for_update().get(pk=row.domain_id)
            EmailAddressFactory(domain=row.domain, address="c@example.com")
            deleting = threads.submit(refused)
            wait_for(a_transaction_waits_for_a_lock, within=60, what="the deletion had looked and waited")
        assert deleting.result()
    assert EmailAddress.objects.count() == 3


def test_a_token_deletes_once(api, client_for, address, ses):
    token = plan_of(api, address)["token"]
    assert delete(client_for(UserFactory()), address, plan=token).status_code == 404
    assert delete(api, address, plan=token).status_code == 200
    ses.clear_journal()
    assert_refused(delete(api, address, plan=token), GONE)
    assert_refused(delete(api, address, plan=token, dry_run="true"), GONE)
    assert delete(client_for(UserFactory()), address, plan=token).status_code == 404
    assert delete(api, address).status_code == 404
    assert calls(ses) == []


def test_an_outdated_token_is_409(api, address, domain):
    token = plan_of(api, address)["token"]
    other = plan_of(api, EmailAddressFactory(domain=domain))["token"]
    for answer in (
        delete(api, address, plan=token),
        delete(api, address, plan=token, dry_run="true"),
        delete(api, address, plan=other),
    ):
        assert_refused(answer)
    assert EmailAddress.objects.count() == 3


def test_a_dry_run_changes_nothing(api, address, ses):
    plan = plan_of(api, address)
    tables = [EmailAddress, Domain, LedgerEntry, InFlightCall]
    before = [list(model.objects.order_by("pk").values()) for model in tables]
    for query in ({"dry_run": "true"}, {"dry_run": "true", "plan": plan["token"]}):
        answer = delete(api, address, **query)
        assert (answer.status_code, answer.json()) == (200, plan)
    assert [list(model.objects.order_by("pk").values()) for model in tables] == before
    assert ses.journal() == []


@pytest.mark.parametrize("query", ["dry_run=1", "dry_run=", "dryRun=true", "plan=", "plan=nope"])
def test_a_slip_of_the_pen_deletes_nothing(api, address, query):
    answer = api.delete(f"{URL}/{address.pk}?{query}")
    assert answer.status_code == 400
    assert EmailAddress.objects.count() == 2


def test_scopes_and_owners_count(api, client_for, user, address):
    path = f"{URL}/{address.pk}/deletion-plan"
    reader, deleter, other = client_for(user, Scope.READ), client_for(user, Scope.DELETE), client_for(UserFactory())
    assert [client.get(path).status_code for client in (reader, deleter, other)] == [200, 403, 404]
    assert [delete(client, address, dry_run="true").status_code for client in (reader, deleter, other)] == [
        403,
        200,
        404,
    ]


def test_an_endpoint_that_names_the_address_depends_on_it(api, address, user):
    """SES gives the mail for a label to the address without it as well, and not the other way round."""
    emails = ["A@Example.com", "a+x@example.com", "b@example.com", "a@example.org", "a@sub.example.com"]
    group = EndpointFactory(owner=user, name="group", type="email_group", config={"emails": emails})
    sender = EndpointFactory(
        owner=user,
        name="sender",
        type="email",
        config={"forwardTo": "b@example.com", "fromAddress": "A <a@example.com>"},
    )
    EndpointFactory(owner=user, type="email", config={"forwardTo": '"@example.com'})
    EndpointFactory(name="theirs", type="email", config={"forwardTo": "a@example.com"})
    assert plan_of(api, address)["stays"]["dependentEndpoints"] == [
        {"id": group.pk, "name": "group", "type": "email_group", "forwardsTo": emails[:2], "sendsFrom": None},
        {"id": sender.pk, "name": "sender", "type": "email", "forwardsTo": [], "sendsFrom": "A <a@example.com>"},
    ]
    labelled = EmailAddressFactory(domain=address.domain, address="a+x@example.com")
    [dependant] = plan_of(api, labelled)["stays"]["dependentEndpoints"]
    assert dependant["forwardsTo"] == ["a+x@example.com"]


def test_an_endpoint_of_somebody_else_does_not_show(api, domain):
    address = EmailAddressFactory(domain=domain, endpoint=EndpointFactory(name="Theirs"))
    assert plan_of(api, address)["stays"]["endpoint"] is None


def test_its_domain_s_size_costs_no_statements(api, domain, ses):
    address = EmailAddressFactory(domain=domain)
    statements = []
    for count in (1, 40):
        bulk = [
            EmailAddress(domain=domain, address=f"{count}-{n}@example.com", slot=count * 100 + n) for n in range(count)
        ]
        EmailAddress.objects.bulk_create(bulk)
        api.get(URL)
        with CaptureQueriesContext(connection) as captured:
            plan_of(api, address)
        statements.append(len(captured))
    assert statements[0] == statements[1] <= 14
