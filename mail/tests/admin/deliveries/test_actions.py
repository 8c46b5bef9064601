"""What the lists of deliveries, of endpoints that fail and of received mail can do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from inbound.tests.support.admin_site import run_action, staff, text, url
from inbound.tests.support.factories import DeliveryFactory, EndpointFactory, ReceivedEmailFactory
from mail.admin import actions
from mail.models import Delivery, EndpointGate, ReceivedEmail


def delivery(domain: Any, **values: Any) -> Delivery:
    email = ReceivedEmailFactory(message__domain=domain, disposition="routed")
    row: Delivery = DeliveryFactory(received=email, **values)
    return row


@pytest.mark.parametrize(
    ("action", "state", "becomes"),
    [
        ("retry_now", "dead", "due"),
        ("deliver_again", "delivered", "due"),
        ("withdraw", "due", "withdrawn"),
        ("withdraw", "dead", "withdrawn"),
    ],
)
def test_an_action_changes_the_state_and_is_among_its_changes(
    admin_client: Client, domain, action: str, state: str, becomes: str
) -> None:
    row = delivery(domain, state=state, problem="It answered 503.")
    _, [(level, said)] = run_action(admin_client, "mail.delivery", action, [row])
    row.refresh_from_db()
    assert (row.state, level) == (becomes, "success")
    assert "1 delivery" in said
    changes = text(admin_client.get(url("mail.delivery", "history", row.pk), follow=True))
    assert f"{'withdrawn' if action == 'withdraw' else 'retried'}</td>" in changes


def test_what_is_refused_is_named(admin_client: Client, domain) -> None:
    done, dead = delivery(domain, state="delivered"), delivery(domain, state="dead")
    _, said = run_action(admin_client, "mail.delivery", "retry_now", [done, dead])
    assert [level for level, _ in said] == ["warning", "success"]
    assert said[0][1].startswith(f"Refused: {done.pk}: ")
    assert list(Delivery.objects.order_by("state").values_list("state", flat=True)) == ["delivered", "due"]


def test_too_many_at_once_are_refused(admin_client: Client, domain, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [delivery(domain, state="dead") for _ in range(3)]
    monkeypatch.setattr(actions, "MOST_AT_ONCE", 2)
    _, [(level, said)] = run_action(admin_client, "mail.delivery", "retry_now", rows)
    assert (level, said) == ("error", "Choose at most 2. For all of an endpoint there is the command mail_retry.")
    assert set(Delivery.objects.values_list("state", flat=True)) == {"dead"}


def test_a_gate_is_opened_for_one_delivery(admin_client: Client, domain) -> None:
    later = timezone.now() + timedelta(hours=1)
    waiting = delivery(domain, retry_at=later)
    gate = EndpointGate.objects.create(endpoint=waiting.endpoint, failures=7, not_before=later)
    _, [(level, said)] = run_action(admin_client, "mail.endpointgate", "try_now", [gate])
    gate.refresh_from_db()
    assert (gate.not_before, gate.failures, level) == (None, 7, "success")
    assert said.startswith("Asked for one delivery at 1 endpoint. It is recorded, and waits: no mail_worker")
    waiting.refresh_from_db()
    assert waiting.retry_at
    assert waiting.retry_at <= timezone.now()


@pytest.mark.parametrize(
    ("is_active", "number", "reason"),
    [(False, 1, "It is switched off. Switch it on first."), (True, 0, "Nothing waits for it.")],
)
def test_no_delivery_is_promised_that_nobody_makes(
    admin_client: Client, domain, is_active: bool, number: int, reason: str
) -> None:
    shop = EndpointFactory(name="Shop", is_active=is_active)
    gate = EndpointGate.objects.create(endpoint=shop, failures=7)
    for _ in range(number):
        delivery(domain, endpoint=shop)
    _, [(level, said)] = run_action(admin_client, "mail.endpointgate", "try_now", [gate])
    assert level == "warning"
    assert said.startswith(f"Refused: Shop: {reason}")


def test_the_page_of_a_row_has_its_actions_as_buttons(admin_client: Client, client: Client, domain) -> None:
    row = delivery(domain, state="dead")
    held = ReceivedEmailFactory(message__domain=domain, disposition="quarantined", route={"reason": "virus"})
    page = url("mail.delivery", "change", row.pk)
    for path, names in (
        (page, ["retry_now", "withdraw"]),
        (url("mail.delivery", "change", delivery(domain, state="delivered").pk), ["deliver_again"]),
        (url("mail.receivedemail", "change", held.pk), ["release"]),
        (url("mail.receivedemail", "change", row.received_id), []),
    ):
        assert re.findall(r'name="action" value="(\w+)"', text(admin_client.get(path))) == names
    press = {"action": "retry_now", "_selected_action": row.pk, "from_page": "yes"}
    answer = admin_client.post("/admin/mail/delivery/", press)
    row.refresh_from_db()
    assert (answer["Location"], row.state) == (page, "due")
    staff(client, "mail.view_delivery")
    assert 'name="action"' not in text(client.get(page))


def test_a_quarantined_mail_is_found_and_released(admin_client: Client, domain) -> None:
    held = ReceivedEmailFactory(message__domain=domain, disposition="quarantined", route={"reason": "virus"})
    free = ReceivedEmailFactory(message__domain=domain, disposition="stored")
    page: Any = admin_client.get("/admin/mail/receivedemail/?outcome=quarantined")
    assert [row.pk for row in page.context["cl"].result_list] == [held.pk]
    _, said = run_action(admin_client, "mail.receivedemail", "release", [held, free])
    assert [level for level, _ in said] == ["warning", "success"]
    assert ReceivedEmail.objects.get(pk=held.pk).disposition == "stored"


def test_actions_need_the_permission_to_change(client: Client, domain) -> None:
    row = delivery(domain, state="dead")
    staff(client, "mail.view_delivery")
    assert "Withdraw:" not in text(client.get("/admin/mail/delivery/"))
    run_action(client, "mail.delivery", "withdraw", [row])
    row.refresh_from_db()
    assert row.state == "dead"
    staff(client, "mail.change_delivery")
    run_action(client, "mail.delivery", "withdraw", [row])
    row.refresh_from_db()
    assert row.state == "withdrawn"
