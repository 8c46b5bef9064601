from __future__ import annotations

import pytest

from addresses.deletion import delete_address
from addresses.models import EmailAddress
from addresses.services import create_address, update_address
from inbound.tests.support.factories import DomainFactory
from ses_integration.tests.support.ses_state import calls, rules

pytestmark = pytest.mark.sqlite


@pytest.fixture
def domain(ses, settings):
    settings.SES_MAX_RECIPIENTS_PER_RULE = 2
    return DomainFactory(name="example.com")


def add(domain, *local_parts):
    return [
        create_address(domain=domain, address=f"{local}@example.com", endpoint_id=None).address for local in local_parts
    ]


def test_more_addresses_than_a_rule_takes_need_further_rules(domain):
    add(domain, *"abcde")
    assert rules() == {
        "inbound-example.com-rule": {"a@example.com", "b@example.com"},
        "inbound-example.com-rule-2": {"c@example.com", "d@example.com"},
        "inbound-example.com-rule-3": {"e@example.com"},
    }


def test_a_deletion_changes_a_single_rule_and_moves_no_address(domain, ses):
    first, *_ = add(domain, *"abcd")
    ses.clear_journal()
    delete_address(first)
    assert calls(ses) == ["UpdateReceiptRule"]
    assert rules()["inbound-example.com-rule-2"] == {"c@example.com", "d@example.com"}


def test_the_slot_of_a_deleted_address_is_reused(domain):
    first, *_ = add(domain, *"abc")
    delete_address(first)
    add(domain, "d")
    assert rules()["inbound-example.com-rule"] == {"b@example.com", "d@example.com"}


def test_deleting_the_last_address_of_a_rule_deletes_the_rule(domain, ses):
    *_, last = add(domain, *"abc")
    ses.clear_journal()
    delete_address(last)
    assert calls(ses) == ["DeleteReceiptRule"]
    assert set(rules()) == {"inbound-example.com-rule"}


def test_an_inactive_address_keeps_its_slot(domain):
    first, *_ = add(domain, *"ab")
    update_address(address=first, changes={"is_active": False})
    add(domain, "c")
    update_address(address=first, changes={"is_active": True})
    assert rules() == {
        "inbound-example.com-rule": {"a@example.com", "b@example.com"},
        "inbound-example.com-rule-2": {"c@example.com"},
    }
    assert list(EmailAddress.objects.order_by("address").values_list("slot", flat=True)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("used", "free"), [([], 0), ([0], 1), ([0, 1, 2], 3), ([1, 2], 0), ([0, 2], 1), ([0, 1, 3, 6], 2), ([5], 0)]
)
def test_a_new_address_gets_the_lowest_free_slot(domain, used, free):
    rows = [EmailAddress(domain=domain, address=f"{slot}@example.com", slot=slot) for slot in used]
    EmailAddress.objects.bulk_create(rows)
    (added,) = add(domain, "new")
    assert added.slot == free
