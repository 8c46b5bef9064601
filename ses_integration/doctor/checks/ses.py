"""Checks of SES itself: whether it answers, and the rule sets. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ses_integration.doctor.checks.permissions import TRY_AGAIN, not_proven
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.results import CheckResult, failed, ok, warning
from ses_integration.drift.previous_scopes import PreviousScope
from ses_integration.plan.compile import RULES_PER_SET


def check_ses(region: str, response: Response) -> CheckResult:
    """Whether SES accepts any call, judged by the response to the first one."""
    if response.succeeded or response.denied or (response.throttled and response.code):
        return ok("SES", f"It answers in {region}.")
    if response.error and (response.unanswered or response.throttled):
        return failed("SES", response.error.sentence, TRY_AGAIN)
    return failed(
        "SES",
        f"It refuses every call ({response.code}).",
        f"Check the credentials, and that the account has opted in to {region}; the log has AWS's message.",
    )


def active_rule_set(response: Response) -> str:
    """The name in the response to DescribeActiveReceiptRuleSet, empty if no rule set is active."""
    name: str = response.body.get("Metadata", {}).get("Name", "")
    return name


def check_active_rule_set(
    rule_set: str, region: str, previous: Sequence[PreviousScope], response: Response
) -> CheckResult:
    """Whether our rule set is active. `previous`: other scopes in the ledger. If there are any, the setting may be wrong."""
    if not response.succeeded:
        return not_proven("active rule set", response)
    active = active_rule_set(response)
    if active == rule_set:
        return ok("active rule set", f"{rule_set} receives the mail of this region.")
    if not active:
        return failed(
            "active rule set", f"None is active in {region}: SES refuses all mail.", _set_up(region, previous)
        )
    return failed(
        "active rule set",
        f"{active} is active, not {rule_set}: none of our rules receives mail.",
        f"Find out who uses it. Then run `ses_setup --take-over`, which stops its mail, or set SES_RULE_SET={active} to share it.",
    )


def check_rule_set(rule_set: str, region: str, previous: Sequence[PreviousScope], response: Response) -> CheckResult:
    if response.code == "RuleSetDoesNotExist":
        return failed("rule set", f"There is no rule set {rule_set} in {region}.", _set_up(region, previous))
    if not response.succeeded:
        return not_proven("rule set", response)
    rules = len(response.body.get("Rules", []))
    seen = f"{rule_set} has {rules} of at most {RULES_PER_SET} rules."
    if rules >= RULES_PER_SET:
        return failed("rule set", f"{seen} It is full.", "Delete domains, or rules that ses_rules shows as (not ours).")
    if rules >= RULES_PER_SET * 9 // 10:
        return warning("rule set", seen, "Make room soon: every new domain needs a rule.")
    return ok("rule set", seen)


def _set_up(region: str, previous: Sequence[PreviousScope]) -> str:
    if not previous:
        return f"If AWS_REGION={region} is right, run `python manage.py ses_setup`; otherwise correct it."
    scopes = " and ".join(
        f"{scope.contents} in AWS_REGION={scope.region}, SES_RULE_SET={scope.rule_set}" for scope in previous
    )
    return f"The database has {scopes}: set those if you mean them. Otherwise run `python manage.py ses_setup`."
