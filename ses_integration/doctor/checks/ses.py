"""Checks of SES itself: whether it answers, the rule sets, and what it sends. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ses_integration.doctor.checks.permissions import TRY_AGAIN, check_permission, not_proven
from ses_integration.doctor.probes.permissions import SEND
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.results import CheckResult, failed, ok, warning
from ses_integration.drift.previous_scopes import PreviousScope
from ses_integration.plan.compile import RULES_PER_SET
from ses_integration.setup.configuration_set import tells_topic


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


def check_account(response: Response) -> CheckResult:
    """What the account may send. `response`: to GetAccount."""
    if response.denied:
        return warning(
            "sending",
            "Not checked: ses:GetAccount is not allowed. Mail is forwarded at one a second.",
            "Allow ses:GetAccount on * to let inbound use the account's rate.",
        )
    if not response.succeeded:
        return not_proven("sending", response)
    account, quota = response.body, response.body["SendQuota"]
    per_day, sent = quota["Max24HourSend"], quota["SentLast24Hours"]
    most = "any number" if per_day < 0 else f"{per_day:,.0f}"
    seen = f"Up to {quota['MaxSendRate']:,g} a second and {most} in 24 hours; sent: {sent:,.0f}."
    if not account.get("SendingEnabled") or account.get("EnforcementStatus") == "SHUTDOWN":
        return failed("sending", "AWS has paused the account's sending.", "The SES console says why and what to do.")
    if not account.get("ProductionAccessEnabled"):
        return warning(
            "sending",
            f"The account is in the sandbox: mail goes to verified addresses only. {seen}",
            "Ask AWS for production access before mail is forwarded.",
        )
    if account.get("EnforcementStatus") == "PROBATION":
        return warning("sending", f"AWS is reviewing the account. {seen}", "The SES console says why.")
    if 0 <= per_day * 9 / 10 <= sent:
        return warning("sending", seen, "The day's quota is nearly used up: ask AWS for a higher one.")
    return ok("sending", seen)


def check_send_permission(resource: str, response: Response, *, needed: bool) -> CheckResult:
    """`needed`: whether mail is known to be sent. `response`: to a mail that SES must not accept."""
    if not response.denied:
        return check_permission(SEND.name, resource, response)
    do = f"Allow ses:SendEmail and ses:SendRawEmail on {resource} in the policy of these credentials."
    return (failed if needed else warning)(SEND.name, "AWS does not allow it: no mail can be forwarded.", do)


def check_bounces(name: str, topic_arn: str, response: Response) -> CheckResult:
    """Whether the topic is told of bounces. `response`: to GetConfigurationSetEventDestinations, if there is a `name`."""
    if not name:
        return warning(
            "bounces",
            "SES_CONFIGURATION_SET is missing: bounces of forwarded mail are not known.",
            "If mail is forwarded, run `python manage.py ses_setup --mail` and set what it prints.",
        )
    if response.code == "NotFound":
        return failed("bounces", f"There is no configuration set {name}.", "Run `python manage.py ses_setup`.")
    if response.denied:
        return warning(
            "bounces",
            "Not checked: ses:GetConfigurationSetEventDestinations is not allowed.",
            "Allow it to enable this check; sending mail does not need it.",
        )
    if not response.succeeded:
        return not_proven("bounces", response)
    if not any(tells_topic(destination, topic_arn) for destination in response.body["EventDestinations"]):
        return failed(
            "bounces",
            f"Configuration set {name} does not tell the topic of bounces and complaints.",
            "Run `python manage.py ses_setup`.",
        )
    return ok("bounces", f"Configuration set {name} tells the topic of bounces and complaints.")


def _set_up(region: str, previous: Sequence[PreviousScope]) -> str:
    if not previous:
        return f"If AWS_REGION={region} is right, run `python manage.py ses_setup`; otherwise correct it."
    scopes = " and ".join(
        f"{scope.contents} in AWS_REGION={scope.region}, SES_RULE_SET={scope.rule_set}" for scope in previous
    )
    return f"The database has {scopes}: set those if you mean them. Otherwise run `python manage.py ses_setup`."
