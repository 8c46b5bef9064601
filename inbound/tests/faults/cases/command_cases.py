"""Commands that repair SES: what others left there, the command, the AWS calls that it makes, and what remains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.management import CommandError

from inbound.tests.faults.cases.actions import ORG, Claims, add_back, delete_address
from inbound.tests.faults.cases.operations import CREATE, DELETE, DELETE_IDENTITY, UPDATE
from inbound.tests.faults.installation import Installation, Receiving
from inbound.tests.support.aws import identities, rules, store_mail, stored_keys
from ses_integration.aws.wire import OWNER_TAG
from ses_integration.conf import ses_config
from ses_integration.models import DomainSync
from ses_integration.tests.commands.run import run
from ses_integration.tests.emulator.clients import client


@dataclass(frozen=True)
class CommandCase:
    """One command, with what it starts from and what it does.

    - `given`: the domains, by name pattern. `before` then changes SES.
    - `calls`: the AWS calls of a run without faults, in order. Calls on objects go to S3, all others to SES.
    - `left`: what the command still has to change. No worker changes it.
    - `undo`: an operation that leads from `given` to `undone`.
    """

    name: str
    given: Mapping[str, Receiving]
    before: Callable[[Installation, str], None]
    command: tuple[str, ...]
    calls: tuple[str, ...]
    left: Callable[[Installation, str], set[str]]
    undo: Callable[[Installation, str], Claims] | None = None
    undone: Mapping[str, Receiving] | None = None

    def run(self, stem: str) -> tuple[int, str]:
        """The command's exit code and output."""
        try:
            return run(*(argument.format(stem) for argument in self.command))
        except CommandError as error:
            return 1, str(error)

    def sent_to_ses(self) -> list[str]:
        return [call for call in self.calls if "Object" not in call]


def put_rule(installation: Installation, name: str, recipient: str, prefix: str, *more: dict[str, Any]) -> None:
    """Create a rule at the front of the rule set."""
    actions = [{"S3Action": {"BucketName": ses_config().bucket, "ObjectKeyPrefix": prefix}}, *more]
    rule = {"Name": name, "Enabled": True, "Recipients": [recipient], "ScanEnabled": True, "Actions": actions}
    client("ses", installation.ses.url).create_receipt_rule(RuleSetName=ses_config().rule_set, Rule=rule)


def change_rule(installation: Installation, name: str, **fields: Any) -> None:
    ses, where = client("ses", installation.ses.url), {"RuleSetName": ses_config().rule_set}
    rule = ses.describe_receipt_rule(**where, RuleName=name)["Rule"]
    ses.update_receipt_rule(**where, Rule={**rule, **fields})


def put_foreign_rule(installation: Installation, name: str, *more: dict[str, Any]) -> None:
    put_rule(installation, f"theirs.{name}", "z@theirs.org", "theirs/", *more)


def put_identity(installation: Installation, name: str, owner: str) -> None:
    client("sesv2", installation.ses.url).create_email_identity(
        EmailIdentity=name, Tags=[{"Key": OWNER_TAG, "Value": owner}]
    )


def change_rules_in_console(installation: Installation, stem: str) -> None:
    """Delete one of our three rules, change one, disable one, and put a rule with a stop action before them."""
    name = ORG.format(stem)
    first, second, third = our_rules(name)
    client("ses", installation.ses.url).delete_receipt_rule(RuleSetName=ses_config().rule_set, RuleName=first)
    change_rule(installation, second, Recipients=[f"intruder@{name}"])
    change_rule(installation, third, Enabled=False)
    put_foreign_rule(installation, name, {"StopAction": {"Scope": "RuleSet"}})


def rules_out_of_order(installation: Installation, stem: str) -> set[str]:
    """Our rules that come after the stop action."""
    name, names = ORG.format(stem), list(rules(installation.ses))
    before = names[: names.index(f"theirs.{name}")] if f"theirs.{name}" in names else names
    return set(our_rules(name)) & set(names) - set(before)


def add_reference_service_rule(installation: Installation, stem: str) -> None:
    name = ORG.format(stem)
    put_rule(installation, f"{name}-rule", f"a@{name}", f"emails/{name}/")
    put_foreign_rule(installation, name)


def reference_rule(installation: Installation, stem: str) -> set[str]:
    return {f"{ORG.format(stem)}-rule"} & rules(installation.ses).keys()


def leave_orphans(installation: Installation, stem: str) -> None:
    """Leave the rule, identity and mail of a domain without rows, as after the restore of an old backup."""
    name = ORG.format(stem)
    put_rule(installation, f"inbound-{name}-rule", f"a@{name}", _folder(name))
    put_identity(installation, name, ses_config().installation_id)
    store_mail(f"{_folder(name)}mail")
    put_foreign_rule(installation, name)
    DomainSync.objects.create(region=ses_config().region, rule_set=ses_config().rule_set, domain=name)


def orphans(installation: Installation, stem: str) -> set[str]:
    name = ORG.format(stem)
    mail = {key for key in stored_keys() if key.startswith(_folder(name))}
    if name in installation.expected:
        return mail
    return ({f"inbound-{name}-rule"} & rules(installation.ses).keys()) | ({name} & identities(installation.ses)) | mail


def our_rules(name: str) -> list[str]:
    return [f"inbound-{name}-rule{suffix}" for suffix in ("", "-2", "-3")]


def _folder(name: str) -> str:
    return f"emails/{name}/indm_{'x' * 21}/"


LOOK = ("DescribeActiveReceiptRuleSet", "ListEmailIdentities")
READ, LIST = "GetEmailIdentity", "ListObjectVersions"
MOVE = "SetReceiptRulePosition"

COMMAND_CASES = [
    CommandCase(
        "adopt",
        given={ORG: Receiving("a")},
        before=add_reference_service_rule,
        command=("ses_reconcile", "--domain", ORG, "--apply", "--adopt", "--yes", "--force"),
        calls=(*LOOK, DELETE, *LOOK),
        left=reference_rule,
    ),
    CommandCase(
        "clean-up",
        given={},
        before=leave_orphans,
        command=("ses_cleanup", "--domain", ORG, "--apply", "--yes", "--force"),
        calls=(
            *(*LOOK, READ, LIST, LIST),
            *("DescribeReceiptRuleSet", DELETE, READ, DELETE_IDENTITY),
            *(*LOOK, LIST, "DeleteObjects", LIST),
            *(*LOOK, LIST),
        ),
        left=orphans,
        undo=add_back(Receiving("a")),
        undone={ORG: Receiving("a")},
    ),
    # Last, because a rule in front of its rules is in front of all rules.
    CommandCase(
        "reconcile",
        given={ORG: Receiving("ab", "cd", "ef")},
        before=change_rules_in_console,
        command=("ses_reconcile", "--domain", ORG, "--apply", "--yes", "--force"),
        calls=(*LOOK, CREATE, UPDATE, UPDATE, MOVE, MOVE, *LOOK),
        left=rules_out_of_order,
        undo=delete_address,
        undone={ORG: Receiving("b", "cd", "ef")},
    ),
]
