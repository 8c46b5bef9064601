"""Loops end, whoever closes them, and nobody else can make a mail look like one."""

from __future__ import annotations

from itertools import pairwise

import pytest

from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, UserFactory
from mail.models import Delivery, ForwardRecipient
from mail.tests.forwarding.forwarder import HELLO, Forwarder, route
from mail.tests.postbox import MAIL, Postbox, work

pytestmark = pytest.mark.sqlite_only

ANN = "ann@example.net"


@pytest.fixture
def other(user, ses):
    """An address of another domain that we receive mail for."""
    return EmailAddressFactory(domain=DomainFactory(owner=user, name="example.org"), address="other@example.org")


def until_quiet() -> None:
    """Run workers until no mail comes back."""
    for _ in range(10):
        if not work()["delivery delivered"]:
            return
    pytest.fail("It does not end.")


def test_two_domains_that_forward_to_each_other_stop(forwards_to, postbox, other):
    forwards = forwards_to(other.address)
    route(other, "email", forwardTo=HELLO)

    postbox.deliver()
    until_quiet()

    assert forwards.reached() == [other.address, HELLO]
    (dead,) = Delivery.objects.filter(state="dead")
    assert dead.problem == "A loop: this email has been forwarded for hello@example.com before."
    assert dead.received.recipient == HELLO


def test_a_group_that_is_its_own_member_by_way_of_others_does_not_multiply(forwards_to, postbox, other):
    forwards = forwards_to(other.address, ANN)
    route(other, "email_group", emails=[HELLO, "bob@example.net"])

    postbox.deliver()
    until_quiet()

    assert sorted(forwards.reached()) == sorted([other.address, ANN, HELLO, "bob@example.net"])


def test_a_mail_that_wanders_from_address_to_address_stops_after_five_forwards(forwards_to, postbox, user, ses):
    domain = DomainFactory(owner=user, name="example.org")
    chain = [EmailAddressFactory(domain=domain, address=f"{number}@example.org") for number in range(8)]
    forwards = forwards_to(chain[0].address)
    for address, following in pairwise(chain):
        route(address, "email", forwardTo=following.address)

    postbox.deliver()
    until_quiet()

    assert forwards.reached() == [address.address for address in chain[:5]]
    assert Delivery.objects.get(state="dead").problem == "A loop: this email has been forwarded 5 times."


def test_a_mail_that_went_through_too_many_servers_is_not_forwarded(forwards_to):
    forwards = forwards_to(ANN)

    fine = forwards.forward(b"Received: by relay.example.net; now\r\n" * 30 + MAIL)
    looping = forwards.forward(b"Received: by relay.example.net; now\r\n" * 31 + MAIL)

    assert (fine.state, looping.state) == ("delivered", "dead")
    assert looping.problem == "A loop: this email has been through more than 30 servers."


def test_a_trace_that_a_stranger_has_written_stops_nothing(forwards_to):
    forwards = forwards_to(ANN)
    forged = b"X-Inbound-Trace: 1784102400.q3Zt8w5K.0123456789012345678901\r\nX-Inbound-Delivery: x\r\n"

    assert forwards.forward(forged + MAIL).state == "delivered"


def test_a_bounce_of_a_forward_is_recorded_and_not_forwarded(forwards_to, postbox):
    forwards = forwards_to(ANN)
    postbox.deliver()
    work()

    # Without a configuration set, SES mails the bounce to the sender, which is an address of ours.
    forwards.bounce()
    until_quiet()

    assert forwards.reached() == [ANN]
    first, report = Delivery.objects.order_by("created_at")
    assert (first.state, first.problem) == ("dead", "Nobody could be reached: smtp; 550 5.1.1 user unknown")
    assert report.problem == (
        "It reports a bounce of a forwarded email. The bounce is recorded, and the report is not forwarded."
    )
    assert ForwardRecipient.objects.get(delivery=first).state == "bounced"


def test_a_bounce_of_somebody_else_s_mail_is_forwarded(forwards_to):
    forwards = forwards_to(ANN)
    report = (
        b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nFinal-Recipient: rfc822; x@example.net\r\n\r\n"
        b"--b\r\n\r\nSubject: Mail of another program\r\n\r\n--b--\r\n"
    )

    assert forwards.forward(report, envelope_from="").state == "delivered"


def test_a_mail_that_quotes_a_forward_and_is_no_bounce_is_forwarded(forwards_to):
    forwards = forwards_to(ANN)
    first = forwards.forward()
    quoted = f"--b\r\n\r\nX-Inbound-Delivery: {first.pk}\r\n\r\n--b--\r\n".encode()

    report = b"Content-Type: multipart/report; boundary=b\r\n\r\n" + quoted
    mixed = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + quoted

    assert forwards.forward(report, envelope_from="jo@example.net").state == "delivered"
    assert forwards.forward(mixed, envelope_from="").state == "delivered"


def test_a_report_to_somebody_else_s_address_records_nothing(forwards_to, ses):
    forwards = forwards_to(ANN)
    delivery = forwards.forward()
    report = (
        b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nFinal-Recipient: rfc822; ann@example.net\r\n"
        b"Status: 5.1.1\r\n\r\n--b\r\n\r\nX-Inbound-Delivery: %s\r\n\r\n--b--\r\n" % delivery.pk.encode()
    )
    foreign = EmailAddressFactory(domain=DomainFactory(owner=UserFactory(), name="example.org"))
    theirs = Forwarder(Postbox(ses, foreign.domain, ""), route(foreign, "email", forwardTo=ANN))

    assert theirs.forward(report, to=foreign.address, envelope_from="").state == "dead"
    assert ForwardRecipient.objects.get(delivery=delivery).state == "sent"

    forwards.forward(report, envelope_from="")
    assert ForwardRecipient.objects.get(delivery=delivery).state == "bounced"
