"""Names of topic and queue, and merging policies. Pure."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_integration.setup.names import MailNames, default_name, sibling_url
from ses_integration.setup.policies import holds, merge, policy_of, ses_publishes, statements, topic_sends

pytestmark = pytest.mark.sqlite_only

NAMES = MailNames("aws", "eu-west-1", "123456789012", "mail", "mail", "out")
OURS = topic_sends(NAMES)
STATEMENTS = st.dictionaries(
    st.sampled_from(["Sid", "Effect", "Action"]), st.sampled_from(["A", "B", "InboundTopicSends"])
)


@given(st.text(alphabet="aZ9 _.:/=+-@é", min_size=1, max_size=256))
def test_a_name_is_legal_whatever_the_installation_is_called(installation):
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,75}", default_name(installation))


@pytest.mark.parametrize("installation", ["inbound", "mail-eu_1", "x" * 60])
def test_a_short_and_plain_id_is_used_as_it_is(installation):
    assert default_name(installation) == f"{installation}-mail"


@pytest.mark.parametrize(("one", "other"), [("a b", "a-b"), ("a.b", "a b"), ("x" * 61, "x" * 62)])
def test_ids_that_look_alike_get_different_names(one, other):
    assert default_name(one) != default_name(other)


def test_the_dead_letter_queue_is_beside_the_queue():
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/mail"
    assert sibling_url(url, NAMES.dead_letters) == f"{url}-dead"


@given(st.lists(STATEMENTS))
def test_merging_keeps_statements_of_others_in_their_order_and_is_done_once(before):
    policy = json.dumps({"Version": "2012-10-17", "Id": "theirs", "Statement": before})
    merged = merge(policy, OURS)
    assert statements(merged) == [*[it for it in before if it.get("Sid") != OURS["Sid"]], OURS]
    assert json.loads(merged)["Id"] == "theirs"
    assert merge(merged, OURS) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"Action": "SQS:SendMessage"},
        {"Action": ["sqs:sendmessage"]},
        {"Principal": {"Service": ["sns.amazonaws.com"]}},
        {"Condition": {"ArnEquals": {"AWS:SourceArn": [NAMES.topic_arn]}}},
    ],
)
def test_a_statement_is_recognised_however_aws_writes_it(change):
    assert holds(policy_of({**OURS, **change}), OURS)


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"Principal": "*"},
        {"Condition": {}},
        {"Resource": "*"},
        {"Action": ["sqs:SendMessage", "sqs:*"]},
    ],
)
def test_a_statement_that_says_something_else_is_replaced(change):
    assert statements(merge(policy_of({**OURS, **change}), OURS)) == [OURS]


def test_the_statement_of_another_rule_set_is_another_one():
    both = merge(policy_of(ses_publishes(NAMES, "one")), ses_publishes(NAMES, "two-rules"))
    assert [it["Sid"] for it in statements(both)] == ["InboundSesPublishesOne", "InboundSesPublishesTwoRules"]


@pytest.mark.parametrize("policy", ["", json.dumps({"Version": "2012-10-17"})])
def test_a_missing_policy_is_made(policy):
    assert statements(merge(policy, OURS)) == [OURS]
