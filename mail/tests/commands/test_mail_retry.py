"""`mail_retry` shows what it is going to ask for, and asks for it once."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from domains.models import Domain
from inbound.tests.support.factories import (
    DeliveryFactory,
    DomainFactory,
    EndpointFactory,
    ReceivedEmailFactory,
    WorkerFactory,
)
from mail.models import Delivery, EndpointGate
from mail.tests.commands.run import run
from workers.models import Worker, WorkerKind

pytestmark = pytest.mark.sqlite

ASKED = "Asked for {}. mail_worker makes {} now. mail_show says what became of one."
ONE, THREE = ASKED.format("1 delivery", "it"), ASKED.format("3 deliveries", "them")


def later() -> datetime:
    return timezone.now() + timedelta(hours=1)


@pytest.fixture
def domain(db) -> Domain:
    WorkerFactory(kind=WorkerKind.MAIL)
    return DomainFactory(name="example.com")


@pytest.fixture
def shop(domain) -> Any:
    return EndpointFactory(name="Shop", owner=domain.owner)


def delivery(shop: Any, domain: Domain, **values: Any) -> Delivery:
    email = ReceivedEmailFactory(message__domain=domain, disposition="routed")
    known: dict[str, Any] = {"retry_at": None} if values.get("state") else {}
    if values.get("state") in ("dead", "delivered"):
        known |= {"finished_at": timezone.now()}
    row: Delivery = DeliveryFactory(received=email, endpoint=shop, **(known | values))
    return row


def retry(*args: str) -> tuple[int, str]:
    return run("mail_retry", *args, "--yes")


def states() -> list[str]:
    return list(Delivery.objects.order_by("created_at").values_list("state", flat=True))


def test_a_dead_delivery_is_asked_for_by_its_id_and_then_there_is_nothing_to_do(shop, domain) -> None:
    row = delivery(shop, domain, state="dead", attempts=9)
    code, said = retry(f"msg_{row.pk}")
    assert code == 0
    assert said.splitlines()[0].startswith(f"{row.pk} to Shop (webhook) for {row.received.recipient}: given up at ")
    assert said.splitlines()[1] == ONE
    assert states() == ["due"]
    code, said = retry(row.pk)
    assert (code, said.splitlines()[0][:14]) == (0, "Nothing to do.")


def test_a_delivery_that_waits_for_a_later_time_is_due_now(shop, domain) -> None:
    row = delivery(shop, domain, retry_at=later())
    assert retry(row.pk)[0] == 0
    row.refresh_from_db()
    assert row.retry_at is not None
    assert row.retry_at <= timezone.now()


def test_what_was_delivered_is_asked_for_with_again_only(shop, domain) -> None:
    row = delivery(shop, domain, state="delivered")
    assert "--again" in retry(row.pk)[1]
    assert states() == ["delivered"]
    assert retry(row.pk, "--again")[0] == 0
    assert states() == ["due"]


def test_the_dead_deliveries_of_an_endpoint_are_asked_for(shop, domain) -> None:
    for _ in range(3):
        delivery(shop, domain, state="dead")
    waiting = delivery(shop, domain, retry_at=later())
    other = delivery(EndpointFactory(), domain, state="dead")
    assert retry("--endpoint", shop.pk, "--dead") == (
        0,
        f"3 deliveries given up of Shop (webhook)\n{THREE}\n",
    )
    other.refresh_from_db()
    waiting.refresh_from_db()
    assert (other.state, waiting.retry_at and waiting.retry_at > timezone.now()) == ("dead", True)
    assert retry("--endpoint", shop.pk, "--dead") == (
        0,
        "Nothing to do. Shop (webhook) has no deliveries that were given up.\n",
    )


def test_what_waits_behind_a_closed_gate_is_tried_at_once(shop, domain) -> None:
    delivery(shop, domain)
    EndpointGate.objects.create(endpoint=shop, failures=7, not_before=later(), down_since=timezone.now())
    assert "Asked for 1 delivery. Of an endpoint that is down, mail_worker tries one" in retry("--endpoint", shop.pk)[1]
    assert EndpointGate.objects.get().not_before is None
    assert retry("--endpoint", shop.pk) == (
        0,
        "Nothing to do. Shop (webhook) has no deliveries that were given up or postponed.\n",
    )


def test_without_a_worker_nothing_is_promised(shop, domain) -> None:
    Worker.objects.all().delete()
    row = delivery(shop, domain, state="dead")
    waits = "It is recorded, and waits: no mail_worker has ever run."
    assert retry(row.pk)[1].endswith(f"Asked for 1 delivery. {waits} mail_show says what became of one.\n")
    type(shop).objects.update(is_active=False)
    with pytest.raises(CommandError, match=waits):
        retry("--endpoint", shop.pk)


def test_since_leaves_older_ones_dead(shop, domain) -> None:
    now = timezone.now()
    delivery(shop, domain, state="dead", finished_at=now - timedelta(days=2), created_at=now - timedelta(days=5))
    delivery(shop, domain, state="dead", finished_at=now, created_at=now - timedelta(days=4))
    assert retry("--endpoint", shop.pk, "--since", f"{now - timedelta(days=1):%Y-%m-%dT%H:%M}")[0] == 0
    assert states() == ["dead", "due"]


def test_an_inactive_endpoint_is_refused_with_what_to_do(shop, domain) -> None:
    delivery(shop, domain, state="dead")
    type(shop).objects.update(is_active=False, inactive_reason="It answered 410 three times.")
    with pytest.raises(CommandError, match=r"inactive\. It answered 410 three times\. Switch it on first"):
        retry("--endpoint", shop.pk, "--dead")


def test_the_deliveries_of_a_mail_are_asked_for_by_any_of_its_ids(shop, domain) -> None:
    row = delivery(shop, domain, state="dead")
    assert retry("--mail", row.received.message.ses_id)[0] == 0
    assert states() == ["due"]


def test_a_mail_without_a_route_is_delivered_where_it_is_asked_for(shop, domain) -> None:
    email = ReceivedEmailFactory(message__domain=domain, disposition="stored", route={"reason": "no_route"})
    code, said = retry("--mail", email.pk)
    assert code == 0
    assert "the domain has no catch-all. --to ENDPOINT delivers it anywhere." in said
    assert retry("--mail", email.pk, "--to", shop.pk)[1].endswith(f"{ONE}\n")
    assert Delivery.objects.get().endpoint == shop


def test_a_quarantined_mail_is_released(shop, domain) -> None:
    email = ReceivedEmailFactory(message__domain=domain, disposition="quarantined", route={"reason": "virus"})
    assert "--release takes it out of quarantine." in retry("--mail", email.pk)[1]
    assert retry("--mail", email.pk, "--release")[0] == 0
    email.refresh_from_db()
    assert email.disposition == "stored"
    assert retry("--mail", email.pk, "--release") == (0, "Nothing to do. It is not quarantined.\n")


def test_what_is_refused_is_named_and_exit_code_2(shop, domain) -> None:
    row = delivery(shop, domain, state="dead")
    stranger = EndpointFactory(name="Other")
    code, said = retry("--mail", row.received_id, "--to", stranger.pk)
    assert code == 2
    assert "Refused:\n" in said
    assert "Endpoint not found or is inactive" in said


def test_it_asks_first(shop, domain, answer) -> None:
    row = delivery(shop, domain, state="dead")
    answer("n")
    assert run("mail_retry", row.pk)[1].endswith("\nGo on? [y/N] Nothing was done.\n")
    assert states() == ["dead"]
    answer("y")
    assert run("mail_retry", row.pk)[0] == 0
    assert states() == ["due"]


def test_without_a_terminal_it_asks_nothing(shop, domain, monkeypatch: pytest.MonkeyPatch) -> None:
    row = delivery(shop, domain, state="dead")
    # Lines of a pipe may be meant for somebody else.
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    with pytest.raises(CommandError, match=r"^There is nobody to ask\. Give --yes\.$"):
        run("mail_retry", row.pk)
    assert states() == ["dead"]


def test_an_endpoint_may_be_given_by_its_name_if_no_other_has_it(shop, domain) -> None:
    delivery(shop, domain, state="dead")
    assert retry("--endpoint", "Shop", "--dead")[1].endswith(f"{ONE}\n")
    other = EndpointFactory(name="Shop")
    with pytest.raises(CommandError) as error:
        retry("--endpoint", "Shop")
    assert str(error.value) == (
        f"Several endpoints have this name. Give one of their ids: {', '.join(sorted([shop.pk, other.pk]))}."
    )


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ([], "Give ids of deliveries, or --endpoint ENDPOINT, or --mail ID."),
        (["x", "--mail", "y"], "Give ids of deliveries, or --endpoint ENDPOINT, or --mail ID."),
        (["x"], "No such delivery: x. mail_show ID lists those of a mail."),
        (["x", "--dead"], "--dead goes with --endpoint."),
        (["--endpoint", "x", "--release"], "--release goes with --mail."),
        (["--endpoint", "x"], "No endpoint has the id or name x. mail_status shows those that fail, the admin all."),
        (["--endpoint", "x", "--again"], "--again goes with ids of deliveries or --mail."),
        (["--mail", "x"], "No mail has this id."),
    ],
)
def test_wrong_usage_is_an_error_with_a_sentence(db, args: list[str], sentence: str) -> None:
    with pytest.raises(CommandError) as error:
        retry(*args)
    assert str(error.value) == sentence


@pytest.mark.parametrize("pk", ["-vAAAAAAAAAAAAAAAAAAA", "--dead-AAAAAAAAAAAAAA", "-1AAAAAAAAAAAAAAAAAAA"])
def test_an_id_may_begin_with_a_dash(domain, pk: str) -> None:
    shop = EndpointFactory(pk=pk, owner=domain.owner)
    delivery(shop, domain, pk=pk, state="dead")
    assert run("mail_show", pk)[0] == 0
    assert retry("--endpoint", pk, "--dead")[0] == 0
    Delivery.objects.update(state="dead")
    assert retry(pk)[0] == 0
    assert states() == ["due"]


def test_json_has_the_number_and_what_was_refused(shop, domain, capsys) -> None:
    dead, done = delivery(shop, domain, state="dead"), delivery(shop, domain, state="delivered")
    call_command("mail_retry", dead.pk, "--yes", "--json")
    said = capsys.readouterr()
    assert json.loads(said.out) == {"queued": 1, "refused": []}
    assert said.err.splitlines()[1] == ONE
    call_command("mail_retry", done.pk, "--yes", "--json")
    assert json.loads(capsys.readouterr().out) == {"queued": 0, "refused": []}
    gone = delivery(EndpointFactory(is_active=False, owner=domain.owner), domain, state="dead")
    with pytest.raises(SystemExit) as end:
        call_command("mail_retry", gone.pk, "--yes", "--json")
    values = json.loads(capsys.readouterr().out)
    assert (end.value.code, values["queued"]) == (2, 0)
    assert [gone.pk in one["what"] and bool(one["error"]) for one in values["refused"]] == [True]
