"""Something other than an answer of AWS counts neither as success, nor as empty, nor as refusal."""

from __future__ import annotations

import pytest

from ses_integration.aws import clients
from ses_integration.aws.gateway import Gateway
from ses_integration.aws.translate import UNREADABLE, aws_errors
from ses_integration.conf import ses_config
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.drift.sweep import sweep_ses
from ses_integration.errors import Unanswered
from ses_integration.models import DomainSync, InFlightCall
from ses_integration.plan.compile import Rule
from ses_integration.reconcile.loop import reconcile
from ses_integration.storage.erase import is_empty
from ses_integration.tests.support.fake_domains import DOMAIN, remove
from ses_integration.tests.support.ses_state import identities, rules

RULE = Rule("inbound-example.com-rule", frozenset({"a@example.com"}), "inbound-mail", "emails/example.com/1/")
CALLS = {
    "create_rule": lambda gateway: gateway.create_rule(RULE),
    "update_rule": lambda gateway: gateway.update_rule(RULE),
    "delete_rule": lambda gateway: gateway.delete_rule(RULE.name),
    "move_to_front": lambda gateway: gateway.move_to_front(RULE.name),
    "rules": lambda gateway: gateway.rules(),
    "active_rules": lambda gateway: gateway.active_rules(),
    "create_rule_set": lambda gateway: gateway.create_rule_set(),
    "activate_rule_set": lambda gateway: gateway.activate_rule_set(),
    "create_identity": lambda gateway: gateway.create_identity(DOMAIN),
    "read_identity": lambda gateway: gateway.read_identity(DOMAIN),
    "verify_domain": lambda gateway: gateway.verify_domain(DOMAIN),
    "set_mail_from": lambda gateway: gateway.set_mail_from(DOMAIN, f"mail.{DOMAIN}"),
    "delete_identity": lambda gateway: gateway.delete_identity(DOMAIN),
    "verification": lambda gateway: gateway.verification_statuses([DOMAIN]),
    "mail_from": lambda gateway: gateway.mail_from_domains([DOMAIN]),
    "identities": lambda gateway: gateway.identities(),
    "switch_feedback_off": lambda gateway: gateway.switch_feedback_off(DOMAIN),
    "send_quota": lambda gateway: gateway.send_quota(),
    "is_empty": lambda _: is_empty("emails/example.com/1/"),
}


@pytest.mark.parametrize("status", [200, 400, 403, 404, 502])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_page_of_a_proxy_counts_as_unanswered(ses, call, status):
    ses.add_faults({"fault": "page", "status": status})
    with pytest.raises(Unanswered) as error:
        call(Gateway(ses_config()))
    assert error.value.sentence in (UNREADABLE, "AWS reported an internal error.")


def test_unparsable_response_counts_as_unanswered():
    with pytest.raises(Unanswered, match=UNREADABLE), aws_errors("ListBuckets"):
        raise KeyError(clients.s3("eu-west-1").list_buckets()["Owner"]["ID"])


@pytest.mark.usefixtures("rows")
class TestReconcile:
    def test_page_instead_of_an_answer_leaves_the_call_in_flight(self, ses_with_a, settings):
        settings.SES_CALL_SETTLE_SECONDS = 60
        ses_with_a.add_faults({"service": "sesv2", "action": "DeleteEmailIdentity", "fault": "page", "times": None})
        remove()
        with shared_deadline(0.5):
            reconcile(DOMAIN)
        assert DomainSync.objects.get().pending
        assert DomainSync.objects.get().last_error == UNREADABLE
        assert {call.operation for call in InFlightCall.objects.all()} == {"delete_identity"}
        assert identities() == {DOMAIN}

    def test_page_instead_of_the_identity_list_is_not_an_empty_list(self, ses_with_a):
        ses_with_a.add_faults({"service": "sesv2", "action": "ListEmailIdentities", "fault": "page"})
        with pytest.raises(Unanswered):
            sweep_ses()
        assert [entry["action"] for entry in ses_with_a.journal()] == [
            "DescribeActiveReceiptRuleSet",
            "ListEmailIdentities",
        ]
        assert not DomainSync.objects.get().pending
        assert set(rules()) == {RULE.name}


def test_answers_of_s3_have_a_request_id(ses):
    """Answers without one are refused, and S3 uses another header than SES."""
    bucket = clients.s3("eu-west-1").list_buckets()
    assert bucket["ResponseMetadata"]["RequestId"]
