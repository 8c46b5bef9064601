"""The desk: what an operator sees first, and what they do from there."""

from __future__ import annotations

from django.contrib.auth.models import User

from inbound.tests.browser.looking import Operator
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from ses_integration.emulator.server import Emulator


def test_an_empty_installation_names_the_next_step(operator: Operator) -> None:
    operator.open("/admin/")
    operator.look("desk empty")


def test_what_ses_refuses_is_found_and_tried_again(operator: Operator, ses: Emulator, admin_user: User) -> None:
    ses.add_faults({"service": "ses", "action": "*", "fault": "throttle", "times": None})
    for number in range(3):
        domain = DomainFactory(name=f"shop{number}.example", owner=admin_user)
        EmailAddressFactory(domain=domain)
    operator.open("/admin/")
    operator.look("desk waiting")
    page = operator.page
    page.get_by_role("link", name="Work").first.click()
    operator.look("work")
