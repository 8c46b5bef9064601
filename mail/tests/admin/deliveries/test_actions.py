"""What the lists of deliveries, of endpoints that fail and of received mail can do."""

from __future__ import annotations

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
def test_an_action_changes_the_state_and_the_history_tells_of_it(
    admin_client: Client, domain, action: str, state: str, becomes: str
) -> None:
    row = delivery(domain, state=state, problem="It answered 503.")
    _, [(level, said)] = run_action(admin_client, "mail.delivery", action, [row])
    row.refresh_from_db()
    assert (row.state, level) == (becomes, "success")
    assert "1 delivery" in said
    history = text(admin_client.get(url("mail.delivery", "history", row.pk)))
    assert "Withdrew it." in history or "Asked for it" in history


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
    gate = EndpointGate.objects.create(endpoint=EndpointFactory(), failures=7, not_before=later)
    _, [(level, said)] = run_action(admin_client, "mail.endpointgate", "try_now", [gate])
    gate.refresh_from_db()
    assert (gate.not_before, gate.failures, level) == (None, 7, "success")
    assert said.startswith("One delivery is tried now at 1 endpoint.")


def test_a_quarantined_mail_is_found_and_released(admin_client: Client, domain) -> None:
    held = ReceivedEmailFactory(message__domain=domain, disposition="quarantined", route={"reason": "virus"})
    free = ReceivedEmailFactory(message__domain=domain, disposition="stored")
    page: Any = admin_client.get("/admin/mail/receivedemail/?disposition__exact=quarantined")
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
