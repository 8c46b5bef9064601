"""SES's receipt rules, as documented."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ses_integration.emulator.server import Emulator
from ses_integration.tests.emulator.clients import client, refusal


def create(rules: Any, name: str, after: str | None = None, **rule: Any) -> None:
    position = {} if after is None else {"After": after}
    rules.create_receipt_rule(RuleSetName="set", Rule={"Name": name, **rule}, **position)


def names(rules: Any) -> list[str]:
    return [rule["Name"] for rule in rules.describe_receipt_rule_set(RuleSetName="set")["Rules"]]


def described(rules: Any, name: str) -> Any:
    return rules.describe_receipt_rule(RuleSetName="set", RuleName=name)["Rule"]


def test_a_rule_without_after_goes_to_the_front(rules: Any) -> None:
    """SES API Reference, CreateReceiptRule: without After the rule is inserted at the beginning of the rule list."""
    create(rules, "first")
    create(rules, "second")
    assert names(rules) == ["second", "first"]


def test_a_rule_with_after_goes_right_behind_it(rules: Any) -> None:
    """SES API Reference, CreateReceiptRule: After is the rule after which the new rule is placed."""
    create(rules, "a")
    create(rules, "c", after="a")
    create(rules, "b", after="a")
    assert names(rules) == ["a", "b", "c"]


def test_an_unknown_after_is_refused(rules: Any) -> None:
    """SES API Reference, CreateReceiptRule: RuleDoesNotExist. 400, and no suffix on the wire."""
    answer = refusal(rules.create_receipt_rule, RuleSetName="set", Rule={"Name": "a"}, After="nobody")
    assert (answer.code, answer.message, answer.status) == ("RuleDoesNotExist", "Rule does not exist: nobody", 400)
    assert names(rules) == []


def test_an_empty_after_is_refused(rules: Any) -> None:
    """SES API Reference, CreateReceiptRule: After is a ReceiptRuleName, and an empty text is none."""
    assert refusal(rules.create_receipt_rule, RuleSetName="set", Rule={"Name": "a"}, After="").code == "ValidationError"


@pytest.mark.parametrize("body", [{}, {"Enabled": True}, {"Recipients": ["b.example.com"]}])
def test_an_existing_name_is_refused_whatever_the_body(rules: Any, body: dict[str, Any]) -> None:
    """SES API Reference, CreateReceiptRule: AlreadyExists, because a resource of that name exists."""
    create(rules, "a")
    answer = refusal(rules.create_receipt_rule, RuleSetName="set", Rule={"Name": "a", **body})
    assert (answer.code, answer.message) == ("AlreadyExists", "Rule already exists: a")
    assert names(rules) == ["a"]


def test_the_error_names_the_resource(rules: Any) -> None:
    """SES API Reference, AlreadyExistsException: it has the member Name, and botocore maps the code to its class."""
    create(rules, "a")
    with pytest.raises(rules.exceptions.AlreadyExistsException) as caught:
        create(rules, "a")
    assert caught.value.response["Error"]["Name"] == "a"


def test_a_rule_needs_its_rule_set(ses: Any) -> None:
    """SES API Reference, CreateReceiptRule: RuleSetDoesNotExist."""
    answer = refusal(ses.create_receipt_rule, RuleSetName="nowhere", Rule={"Name": "a"})
    assert (answer.code, answer.message) == ("RuleSetDoesNotExist", "Rule set does not exist: nowhere")


def test_describe_includes_defaults(rules: Any) -> None:
    """SES API Reference, ReceiptRule: TlsPolicy is Optional, Enabled and ScanEnabled are false by default."""
    create(rules, "bare")
    assert described(rules, "bare") == {
        "Name": "bare",
        "Enabled": False,
        "TlsPolicy": "Optional",
        "ScanEnabled": False,
        "Recipients": [],
        "Actions": [],
    }


def test_describe_returns_the_rule_as_it_was_sent(rules: Any, bucket: str) -> None:
    """SES API Reference, DescribeReceiptRule: the details of the rule."""
    rule = {
        "Name": "example.com-rule.1",
        "Enabled": True,
        "TlsPolicy": "Require",
        "ScanEnabled": True,
        "Recipients": ["a@example.com", "b+c@example.com", "example.org", ".example.org"],
        "Actions": [{"S3Action": {"BucketName": bucket, "ObjectKeyPrefix": "emails/"}}],
    }
    rules.create_receipt_rule(RuleSetName="set", Rule=rule)
    assert described(rules, "example.com-rule.1") == rule


def test_an_update_replaces_the_whole_rule_in_its_place(rules: Any) -> None:
    """SES API Reference, UpdateReceiptRule: what is left out falls to its default; the position is kept."""
    create(rules, "c")
    create(rules, "b", Enabled=True, ScanEnabled=True, TlsPolicy="Require", Recipients=["example.com"])
    create(rules, "a")
    rules.update_receipt_rule(RuleSetName="set", Rule={"Name": "b", "Enabled": True})
    assert names(rules) == ["a", "b", "c"]
    rule = described(rules, "b")
    assert (rule["Enabled"], rule["ScanEnabled"], rule["TlsPolicy"]) == (True, False, "Optional")


def test_an_update_without_recipients_makes_the_rule_match_everything(rules: Any) -> None:
    """SES API Reference, ReceiptRule: without recipients it matches all recipients under all verified domains."""
    create(rules, "a", Recipients=["a@example.com"])
    rules.update_receipt_rule(RuleSetName="set", Rule={"Name": "a", "Recipients": []})
    assert described(rules, "a")["Recipients"] == []


def test_an_update_of_an_unknown_rule_is_refused(rules: Any) -> None:
    """SES API Reference, UpdateReceiptRule: RuleDoesNotExist."""
    answer = refusal(rules.update_receipt_rule, RuleSetName="set", Rule={"Name": "a"})
    assert (answer.code, answer.message) == ("RuleDoesNotExist", "Rule does not exist: a")


def test_a_refused_update_changes_nothing(rules: Any) -> None:
    """SES API Reference, UpdateReceiptRule: each call is atomic."""
    create(rules, "a", Recipients=["a@example.com"])
    refusal(rules.update_receipt_rule, RuleSetName="set", Rule={"Name": "a", "Recipients": ["*@example.com"]})
    assert described(rules, "a")["Recipients"] == ["a@example.com"]


def test_a_delete_removes_one_rule_and_can_be_repeated(rules: Any) -> None:
    """SES API Reference, DeleteReceiptRule: a missing rule is no error."""
    create(rules, "b")
    create(rules, "a")
    rules.delete_receipt_rule(RuleSetName="set", RuleName="a")
    rules.delete_receipt_rule(RuleSetName="set", RuleName="a")
    assert names(rules) == ["b"]


def test_a_delete_needs_its_rule_set(ses: Any) -> None:
    """SES API Reference, DeleteReceiptRule: RuleSetDoesNotExist is its only error."""
    assert refusal(ses.delete_receipt_rule, RuleSetName="nowhere", RuleName="a").code == "RuleSetDoesNotExist"


def test_describing_an_unknown_rule_is_refused(rules: Any) -> None:
    """SES API Reference, DescribeReceiptRule: RuleDoesNotExist."""
    assert refusal(rules.describe_receipt_rule, RuleSetName="set", RuleName="a").code == "RuleDoesNotExist"


def test_a_rule_moves_behind_another_or_to_the_front(rules: Any) -> None:
    """SES API Reference, SetReceiptRulePosition: without After it goes to the beginning of the list."""
    for name in ("c", "b", "a"):
        create(rules, name)
    rules.set_receipt_rule_position(RuleSetName="set", RuleName="a", After="c")
    assert names(rules) == ["b", "c", "a"]
    rules.set_receipt_rule_position(RuleSetName="set", RuleName="a")
    rules.set_receipt_rule_position(RuleSetName="set", RuleName="a", After="a")
    assert names(rules) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"RuleSetName": "nowhere", "RuleName": "a"}, "RuleSetDoesNotExist"),
        ({"RuleSetName": "set", "RuleName": "nobody"}, "RuleDoesNotExist"),
        ({"RuleSetName": "set", "RuleName": "b", "After": "nobody"}, "RuleDoesNotExist"),
        ({"RuleSetName": "set", "RuleName": "b", "After": ""}, "ValidationError"),
        ({"RuleSetName": "set", "RuleName": "a b"}, "ValidationError"),
    ],
)
def test_a_refused_move_changes_nothing(rules: Any, where: dict[str, str], code: str) -> None:
    """SES API Reference, SetReceiptRulePosition: RuleDoesNotExist and RuleSetDoesNotExist; names are looked at first."""
    create(rules, "b")
    create(rules, "a")
    assert refusal(rules.set_receipt_rule_position, **where).code == code
    assert names(rules) == ["a", "b"]


def test_a_move_keeps_the_rule_as_it_is(rules: Any) -> None:
    """SES API Reference, SetReceiptRulePosition: it changes the position and nothing else."""
    create(rules, "b", Enabled=True, Recipients=["b.example.com"])
    create(rules, "a")
    before = described(rules, "b")
    rules.set_receipt_rule_position(RuleSetName="set", RuleName="b")
    assert names(rules) == ["b", "a"]
    assert described(rules, "b") == before


def test_a_reorder_names_every_rule_once(rules: Any) -> None:
    """SES API Reference, ReorderReceiptRuleSet: all of the rules of the set must be represented."""
    create(rules, "b")
    create(rules, "a")
    reorder = rules.reorder_receipt_rule_set
    assert refusal(reorder, RuleSetName="set", RuleNames=["b"]).message == "Positions for rules not found: a"
    assert refusal(reorder, RuleSetName="set", RuleNames=["b", "a", "b"]).code == "InvalidParameterValue"
    assert refusal(reorder, RuleSetName="set", RuleNames=["b", "a", "x"]).code == "RuleDoesNotExist"
    assert names(rules) == ["a", "b"]
    reorder(RuleSetName="set", RuleNames=["b", "a"])
    assert names(rules) == ["b", "a"]


def test_receiving_is_off_until_a_set_is_active(ses: Any) -> None:
    """SES API Reference, DescribeActiveReceiptRuleSet: nothing active is an empty answer and no error."""
    ses.create_receipt_rule_set(RuleSetName="set")
    active = ses.describe_active_receipt_rule_set()
    assert "Metadata" not in active
    assert "Rules" not in active


def test_one_set_is_active_at_a_time(ses: Any) -> None:
    """SES API Reference, SetActiveReceiptRuleSet: the named set becomes the active one; without a name none is."""
    ses.create_receipt_rule_set(RuleSetName="one")
    ses.create_receipt_rule_set(RuleSetName="two")
    ses.set_active_receipt_rule_set(RuleSetName="one")
    ses.set_active_receipt_rule_set(RuleSetName="two")
    assert ses.describe_active_receipt_rule_set()["Metadata"]["Name"] == "two"
    ses.set_active_receipt_rule_set()
    assert "Metadata" not in ses.describe_active_receipt_rule_set()


def test_only_an_existing_set_can_be_active(ses: Any) -> None:
    """SES API Reference, SetActiveReceiptRuleSet: RuleSetDoesNotExist."""
    assert refusal(ses.set_active_receipt_rule_set, RuleSetName="nowhere").code == "RuleSetDoesNotExist"


def test_the_active_set_cannot_be_deleted(ses: Any) -> None:
    """SES API Reference, DeleteReceiptRuleSet: the currently active rule set cannot be deleted."""
    ses.create_receipt_rule_set(RuleSetName="set")
    ses.set_active_receipt_rule_set(RuleSetName="set")
    assert refusal(ses.delete_receipt_rule_set, RuleSetName="set").code == "CannotDelete"
    assert [item["Name"] for item in ses.list_receipt_rule_sets()["RuleSets"]] == ["set"]


def test_a_set_is_deleted_with_its_rules_and_that_can_be_repeated(rules: Any) -> None:
    """SES API Reference, DeleteReceiptRuleSet: the set and all of the rules that it contains."""
    create(rules, "a")
    rules.delete_receipt_rule_set(RuleSetName="set")
    rules.delete_receipt_rule_set(RuleSetName="set")
    assert refusal(rules.describe_receipt_rule_set, RuleSetName="set").code == "RuleSetDoesNotExist"


def test_a_rule_set_is_created_once(ses: Any) -> None:
    """SES API Reference, CreateReceiptRuleSet: AlreadyExists."""
    ses.create_receipt_rule_set(RuleSetName="set")
    assert refusal(ses.create_receipt_rule_set, RuleSetName="set").code == "AlreadyExists"


def test_a_clone_has_the_rules_but_is_not_active(rules: Any) -> None:
    """SES API Reference, CloneReceiptRuleSet: all receipt rules and configurations are copied."""
    create(rules, "b")
    create(rules, "a")
    rules.set_active_receipt_rule_set(RuleSetName="set")
    rules.clone_receipt_rule_set(RuleSetName="copy", OriginalRuleSetName="set")
    rules.delete_receipt_rule(RuleSetName="copy", RuleName="a")
    assert names(rules) == ["a", "b"]
    assert [rule["Name"] for rule in rules.describe_receipt_rule_set(RuleSetName="copy")["Rules"]] == ["b"]
    assert rules.describe_active_receipt_rule_set()["Metadata"]["Name"] == "set"


def test_parallel_calls_are_atomic(rules: Any) -> None:
    """SES API Reference, CreateReceiptRule: nothing is lost between calls that touch different rules."""
    with ThreadPoolExecutor(max_workers=10) as pool:
        list(pool.map(lambda number: create(rules, f"rule-{number}"), range(50)))
    assert sorted(names(rules)) == sorted(f"rule-{number}" for number in range(50))


def test_regions_share_nothing(emulator: Emulator, ses: Any) -> None:
    """Amazon SES Developer Guide, "Regions and Amazon SES": resources belong to one region."""
    ses.create_receipt_rule_set(RuleSetName="set")
    elsewhere = client("ses", emulator.url, region="us-east-1")
    assert elsewhere.list_receipt_rule_sets()["RuleSets"] == []
