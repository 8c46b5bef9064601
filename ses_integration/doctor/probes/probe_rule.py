"""The probe rule, which makes SES test whether it can reach bucket, topic and function.

SES tests the targets of a rule only when the rule is created or updated (docs/architecture/ses.md, "Targets are
tested"). So the doctor creates a disabled rule for a recipient that does not exist, gives it one target after the
other, and deletes it. The rule is not in the ledger, because it belongs to no domain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.probes.send import send_to_ses
from ses_integration.doctor.probes.session import AwsSession

if TYPE_CHECKING:
    from mypy_boto3_ses.type_defs import ReceiptActionTypeDef, ReceiptRuleTypeDef

DELETE_ATTEMPTS = 3


@dataclass(slots=True)
class ProbeRule:
    """`may_exist`: the rule is or may be in SES. `may_appear`: an unanswered call may still create it."""

    aws: AwsSession
    may_exist: bool = False
    may_appear: bool = field(default=False, init=False)
    _created: bool = field(init=False)

    def __post_init__(self) -> None:
        self._created = self.may_exist

    def put(self, action: ReceiptActionTypeDef) -> Response:
        """Create or update the rule with this one action. Either way SES tests the target."""
        config, ses = self.aws.config, self.aws.ses
        rule: ReceiptRuleTypeDef = {
            "Name": self.aws.names.rule,
            "Enabled": False,
            "Recipients": [self.aws.names.recipient],
            "Actions": [action],
        }
        if self._created:
            return send_to_ses(
                config,
                f"UpdateReceiptRule {rule['Name']}",
                lambda: ses.update_receipt_rule(RuleSetName=config.rule_set, Rule=rule),
            )
        might_have_existed, self.may_exist = self.may_exist, True
        response = send_to_ses(
            config,
            f"CreateReceiptRule {rule['Name']}",
            lambda: ses.create_receipt_rule(RuleSetName=config.rule_set, Rule=rule),
        )
        if self.may_appear and response.code == "AlreadyExists":
            self._created = True
            return self.put(action)
        self._created = response.succeeded
        self.may_appear = self.may_appear or response.outcome_unknown
        self.may_exist = might_have_existed or response.succeeded or response.outcome_unknown
        return response

    def delete(self) -> Response:
        """Delete the rule if it may exist. Retries, so that one throttled call does not leave the rule behind."""
        response = Response()
        for _ in range(DELETE_ATTEMPTS if self.may_exist else 0):
            response = send_to_ses(
                self.aws.config,
                f"DeleteReceiptRule {self.aws.names.rule}",
                lambda: self.aws.ses.delete_receipt_rule(
                    RuleSetName=self.aws.config.rule_set, RuleName=self.aws.names.rule
                ),
            )
            if response.succeeded or response.code in ("RuleDoesNotExist", "RuleSetDoesNotExist"):
                self.may_exist = self._created = False
                return Response()
        return response
