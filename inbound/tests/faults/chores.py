"""What people do to SES with the commands: what somebody has left there, the command, the AWS calls that it takes, what is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.management import CommandError

from inbound.tests.aws import identities, rules, store_mail, stored_keys
from inbound.tests.faults.operations import CREATE, DELETE, NO_IDENTITY, ORG, UPDATE, Claims, add_back, delete_address
from inbound.tests.faults.world import Holding, World
from ses_integration.aws.gateway import OWNER_TAG
from ses_integration.conf import ses_config
from ses_integration.models import DomainSync
from ses_integration.tests.commands.run import run
from ses_integration.tests.emulator.clients import client


@dataclass(frozen=True)
class Chore:
    """`calls` are what a run without trouble asks of AWS, in order; those about objects are S3's, the others SES's.

    `left` names what the command is to change and no worker would: it waits for somebody to run the command again. `undo`
    is what people may want next, and leads from `given` to `undone`.
    """

    name: str
    given: Mapping[str, Holding]
    before: Callable[[World, str], None]
    command: tuple[str, ...]
    calls: tuple[str, ...]
    left: Callable[[World, str], set[str]]
    undo: Callable[[World, str], Claims] | None = None
    undone: Mapping[str, Holding] | None = None

    def run(self, stem: str) -> tuple[int, str]:
        """The command's exit code, and what it said."""
        try:
            return run(*(argument.format(stem) for argument in self.command))
        except CommandError as error:
            return 1, str(error)

    def sent_to_ses(self) -> list[str]:
        return [call for call in self.calls if "Object" not in call]


def put_rule(world: World, name: str, recipient: str, prefix: str, *more: dict[str, Any]) -> None:
    """The first in the set."""
    actions = [{"S3Action": {"BucketName": ses_config().bucket, "ObjectKeyPrefix": prefix}}, *more]
    rule = {"Name": name, "Enabled": True, "Recipients": [recipient], "ScanEnabled": True, "Actions": actions}
    client("ses", world.ses.url).create_receipt_rule(RuleSetName=ses_config().rule_set, Rule=rule)


def change_rule(world: World, name: str, **fields: Any) -> None:
    ses, where = client("ses", world.ses.url), {"RuleSetName": ses_config().rule_set}
    rule = ses.describe_receipt_rule(**where, RuleName=name)["Rule"]
    ses.update_receipt_rule(**where, Rule={**rule, **fields})


def put_theirs(world: World, name: str, *more: dict[str, Any]) -> None:
    put_rule(world, f"theirs.{name}", "z@theirs.org", "theirs/", *more)


def put_identity(world: World, name: str, owner: str) -> None:
    client("sesv2", world.ses.url).create_email_identity(EmailIdentity=name, Tags=[{"Key": OWNER_TAG, "Value": owner}])


def somebody_was_in_the_console(world: World, stem: str) -> None:
    """Our three rules: one deleted, one with other recipients, one switched off, and before them one that ends a mail."""
    name = ORG.format(stem)
    first, second, third = our_rules(name)
    client("ses", world.ses.url).delete_receipt_rule(RuleSetName=ses_config().rule_set, RuleName=first)
    change_rule(world, second, Recipients=[f"intruder@{name}"])
    change_rule(world, third, Enabled=False)
    put_theirs(world, name, {"StopAction": {"Scope": "RuleSet"}})


def behind(world: World, stem: str) -> set[str]:
    name, names = ORG.format(stem), list(rules(world.ses))
    before = names[: names.index(f"theirs.{name}")] if f"theirs.{name}" in names else names
    return set(our_rules(name)) & set(names) - set(before)


def the_reference_service_was_here(world: World, stem: str) -> None:
    name = ORG.format(stem)
    put_rule(world, f"{name}-rule", f"a@{name}", f"emails/{name}/")
    put_theirs(world, name)


def reference_rule(world: World, stem: str) -> set[str]:
    return {f"{ORG.format(stem)}-rule"} & rules(world.ses).keys()


def a_life_was_forgotten(world: World, stem: str) -> None:
    """Rule, identity and mail of a domain that was here, as a backup from before its time leaves them."""
    name = ORG.format(stem)
    put_rule(world, f"inbound-{name}-rule", f"a@{name}", _folder(name))
    put_identity(world, name, ses_config().installation_id)
    store_mail(f"{_folder(name)}mail")
    put_theirs(world, name)
    DomainSync.objects.create(region=ses_config().region, rule_set=ses_config().rule_set, domain=name)


def orphans(world: World, stem: str) -> set[str]:
    name = ORG.format(stem)
    mail = {key for key in stored_keys() if key.startswith(_folder(name))}
    if name in world.expected:
        return mail
    return ({f"inbound-{name}-rule"} & rules(world.ses).keys()) | ({name} & identities(world.ses)) | mail


def our_rules(name: str) -> list[str]:
    return [f"inbound-{name}-rule{suffix}" for suffix in ("", "-2", "-3")]


def _folder(name: str) -> str:
    return f"emails/{name}/indm_{'x' * 21}/"


LOOK = ("DescribeActiveReceiptRuleSet", "ListEmailIdentities")
READ, LIST = "GetEmailIdentity", "ListObjectVersions"
MOVE = "SetReceiptRulePosition"

CHORES = [
    Chore(
        "adopt",
        given={ORG: Holding("a")},
        before=the_reference_service_was_here,
        command=("ses_reconcile", "--domain", ORG, "--apply", "--adopt"),
        calls=(*LOOK, DELETE, *LOOK),
        left=reference_rule,
    ),
    Chore(
        "clean-up",
        given={},
        before=a_life_was_forgotten,
        command=("ses_cleanup", "--domain", ORG, "--apply"),
        calls=(
            *(*LOOK, READ, LIST, LIST),
            *("DescribeReceiptRuleSet", DELETE, READ, NO_IDENTITY),
            *(*LOOK, LIST, "DeleteObjects", LIST),
            *(*LOOK, LIST),
        ),
        left=orphans,
        undo=add_back(Holding("a")),
        undone={ORG: Holding("a")},
    ),
    # The last, because what stands in front of its rules stands in front of everybody's.
    Chore(
        "reconcile",
        given={ORG: Holding("ab", "cd", "ef")},
        before=somebody_was_in_the_console,
        command=("ses_reconcile", "--domain", ORG, "--apply"),
        calls=(*LOOK, CREATE, UPDATE, UPDATE, MOVE, MOVE, *LOOK),
        left=behind,
        undo=delete_address,
        undone={ORG: Holding("b", "cd", "ef")},
    ),
]
