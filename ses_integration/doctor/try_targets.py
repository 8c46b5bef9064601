"""Try every target with the probe rule, then remove what this left in SES and in the bucket."""

from __future__ import annotations

from functools import partial

from ses_integration.conf import mail_source
from ses_integration.doctor.checklist import Checklist
from ses_integration.doctor.checks.bucket import DELETE_VERSION, LIST
from ses_integration.doctor.checks.notification import READ, check_stored
from ses_integration.doctor.checks.targets import Target, check_cleanup, check_probe_rule, check_target
from ses_integration.doctor.probes import bucket
from ses_integration.doctor.probes.permissions import RULES
from ses_integration.doctor.probes.probe_rule import ProbeRule
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.probes.session import AwsSession
from ses_integration.doctor.results import CheckResult, ok, warning
from ses_integration.errors import SesError
from ses_integration.storage import erase

ERASE_SECONDS = 10.0


def probe_targets(checklist: Checklist, aws: AwsSession, targets: list[Target], described: Response) -> None:
    """Add a result for each target and one for the clean-up, which also runs after an exception.

    `described`: the response to DescribeReceiptRuleSet.
    """
    names = aws.names
    checklist.check(
        "probe rule",
        ("SES", "rule set"),
        lambda: check_probe_rule(described, names),
        # Do not create what we may not be allowed to delete.
        proven=[probe.name for probe in RULES],
    )
    left_over = checklist.passed("probe rule") and names.rule in [rule["Name"] for rule in described.body["Rules"]]
    rule = ProbeRule(aws, may_exist=left_over)
    try:
        rule.delete()
        for target in targets:
            # SES writes a test object into the bucket, so we must be able to erase it.
            writes = "S3Action" in target.action
            checklist.check(
                target.check,
                ("probe rule", "bucket versioning", "object lock") if writes else ("probe rule",),
                partial(_try_target, rule, target),
                proven=(LIST, DELETE_VERSION) if writes else (),
            )
            if writes and mail_source() != "none":
                # While the test object is there.
                checklist.check("stored mail", (target.check, READ), lambda: check_stored(bucket.get_object(aws)))
    finally:
        removal = rule.delete()
    problem = _erase(names.key_prefix) if checklist.passed("bucket", LIST, DELETE_VERSION) else ""
    if rule.may_exist or rule.may_appear:
        checklist.add(check_cleanup(names, aws.config.call_settle, removal))
    elif problem:
        checklist.add(
            warning("clean-up", f"{problem} Test objects may be left in {names.key_prefix}.", "Run ses_doctor again.")
        )
    else:
        checklist.add(ok("clean-up", "This run left nothing in SES or in the bucket."))


def _try_target(rule: ProbeRule, target: Target) -> CheckResult:
    return check_target(target, rule.aws.config.rule_set, rule.put(target.action))


def _erase(key_prefix: str) -> str:
    """Erase the objects that SES and this run wrote. Returns a sentence about the problem, or an empty string."""
    try:
        erasure = erase.erase(key_prefix, seconds=ERASE_SECONDS)
    except SesError as error:
        return error.sentence
    return erasure.problem if not erasure.finished else ""
