"""Checks of single permissions, and the result of a call that proves nothing. Pure."""

from __future__ import annotations

from ses_integration.doctor.probes.response import NOT_IMPLEMENTED, Response
from ses_integration.doctor.results import CheckResult, Outcome, failed, ok, warning

TRY_AGAIN = "Run ses_doctor again; if this persists, check the endpoint, the network and AWS's health page."


def check_permission(name: str, resource: str, response: Response) -> CheckResult:
    """Whether AWS allows the call. `name` and `resource` are those of an IAM policy."""
    if response.denied:
        return failed(name, "AWS does not allow it.", f"Allow {name} on {resource} in the policy of these credentials.")
    if response.code == NOT_IMPLEMENTED:
        return warning(name, "Not proven: this emulator does not have the call.", "Check it on AWS.")
    if response.error is None:
        return ok(name, "Allowed.")
    return not_proven(name, response)


def check_setup_permission(name: str, response: Response, *, rule_set_active: bool) -> CheckResult:
    """Whether AWS allows a call that only `ses_setup` makes, possibly with other credentials."""
    result = check_permission(name, "*", response)
    if rule_set_active and result.outcome is Outcome.FAILED and response.denied:
        return ok(name, "Not allowed, and not needed: the rule set is active.")
    return result


def check_archive_permission(name: str, resource: str, response: Response) -> CheckResult:
    """Whether AWS allows a call that is needed for archives of domains only."""
    if response.denied:
        return warning(
            name,
            "AWS does not allow it: domains cannot be exported, and no mail can be imported.",
            f"Allow {name} on {resource} in the policy of these credentials if they should be.",
        )
    return check_permission(name, resource, response)


def not_proven(check: str, response: Response) -> CheckResult:
    """The result for a response that does not answer the question."""
    if response.throttled and response.error:
        return warning(check, f"Not proven: {response.error.sentence}", "Run ses_doctor again later.")
    if response.unanswered and response.error:
        return failed(check, response.error.sentence, TRY_AGAIN)
    return warning(
        check,
        f"Not proven: AWS answered {response.code}.",
        "The log has AWS's message; ses_status shows whether work fails.",
    )
