"""Whether SES reaches bucket, topic and function.

SES tries the targets of a rule when it is created and when it is updated
(docs/architecture/ses.md, "Targets are tested"), and there is no other way to ask.
So a rule is made, disabled and for a name that is nobody's, given one target after the other, and deleted. The rule is
not in the ledger: it is no domain's, and its name is fixed, so that the next run removes what a killed one left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ses_integration.doctor.asking import ask_ses
from ses_integration.doctor.aws import Aws
from ses_integration.doctor.reply import Reply

if TYPE_CHECKING:
    from mypy_boto3_ses.type_defs import ReceiptActionTypeDef, ReceiptRuleTypeDef

REMOVALS = 3


@dataclass(slots=True)
class ProbeRule:
    """The rule at AWS. `there` as long as it may be; `in_doubt` once a call that makes it had no answer: it may land later."""

    aws: Aws
    there: bool = False
    may_add: bool = field(default=False, init=False)
    _made: bool = field(init=False)

    def __post_init__(self) -> None:
        self._made = self.there

    def put(self, action: ReceiptActionTypeDef) -> Reply:
        """Give it this one action, which makes SES try the target."""
        config, ses = self.aws.config, self.aws.ses
        rule: ReceiptRuleTypeDef = {
            "Name": self.aws.names.rule,
            "Enabled": False,
            "Recipients": [self.aws.names.recipient],
            "Actions": [action],
        }
        if self._made:
            return ask_ses(
                config,
                f"UpdateReceiptRule {rule['Name']}",
                lambda: ses.update_receipt_rule(RuleSetName=config.rule_set, Rule=rule),
            )
        was_there, self.there = self.there, True
        reply = ask_ses(
            config,
            f"CreateReceiptRule {rule['Name']}",
            lambda: ses.create_receipt_rule(RuleSetName=config.rule_set, Rule=rule),
        )
        if self.may_add and reply.code == "AlreadyExists":
            self._made = True
            return self.put(action)
        self._made = reply.done
        self.may_add = self.may_add or reply.may_add
        self.there = was_there or reply.done or reply.may_add
        return reply

    def remove(self) -> Reply:
        """Delete it if it may be there, and try again where AWS does not: it must not stay because of one throttled call."""
        reply = Reply()
        for _ in range(REMOVALS if self.there else 0):
            reply = ask_ses(
                self.aws.config,
                f"DeleteReceiptRule {self.aws.names.rule}",
                lambda: self.aws.ses.delete_receipt_rule(
                    RuleSetName=self.aws.config.rule_set, RuleName=self.aws.names.rule
                ),
            )
            if reply.done or reply.code in ("RuleDoesNotExist", "RuleSetDoesNotExist"):
                self.there = self._made = False
                return Reply()
        return reply
