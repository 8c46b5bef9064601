"""Judging what SES and S3 answered. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ses_integration.doctor.findings import Finding, Outcome, failed, ok, warning
from ses_integration.doctor.reply import Reply
from ses_integration.errors import Refused

if TYPE_CHECKING:
    from ses_integration.drift.previous_scopes import PreviousScope

RULES_PER_SET = 200  # Developer Guide, "Service quotas in Amazon SES", email receiving
# An emulator's answer; AWS has every call.
NOT_IMPLEMENTED = "NotImplemented"
AGAIN = "Run ses_doctor again; if it stays, look at the endpoint, the network and AWS's health page."


def judge_permission(name: str, resource: str, reply: Reply) -> Finding:
    """`name` and `resource` as a policy has them."""
    if reply.denied:
        return failed(name, "AWS does not allow it.", f"Allow {name} on {resource} in the policy of these credentials.")
    if reply.code == NOT_IMPLEMENTED:
        return warning(name, "Not proven: this emulator does not have the call.", "Look at it again on AWS.")
    if reply.error is None:
        return ok(name, "Allowed.")
    return unproven(name, reply)


def judge_setup_permission(name: str, reply: Reply, *, active: bool) -> Finding:
    """One that `ses_setup` alone needs, with its own credentials if somebody likes; nobody needs it once that is done."""
    finding = judge_permission(name, "*", reply)
    if active and finding.outcome is Outcome.FAILED and reply.denied:
        return ok(name, "Not allowed, and not needed: the rule set is active.")
    return finding


def unproven(check: str, reply: Reply) -> Finding:
    """For an answer that tells nothing of what was asked."""
    if reply.busy and reply.error:
        return warning(check, f"Not proven: {reply.error.sentence}", "Run ses_doctor again later.")
    if reply.silent and reply.error:
        return failed(check, reply.error.sentence, AGAIN)
    return warning(
        check,
        f"Not proven: AWS answered {reply.code}.",
        "Read AWS's own words in the log; ses_status tells if work fails.",
    )


def judge_ses(region: str, reply: Reply) -> Finding:
    """Whether SES takes calls from us at all, from the first of them."""
    if reply.done or reply.denied or (reply.busy and reply.code):
        return ok("SES", f"It answers in {region}.")
    if reply.error and (reply.silent or reply.busy):
        return failed("SES", reply.error.sentence, AGAIN)
    return failed(
        "SES",
        f"It refuses every call ({reply.code}).",
        f"Look at the credentials, and whether the account has opted in to {region}; AWS's own words are in the log.",
    )


def active_rule_set(reply: Reply) -> str:
    name: str = reply.body.get("Metadata", {}).get("Name", "")
    return name


def judge_active_rule_set(rule_set: str, region: str, former: Sequence[PreviousScope], reply: Reply) -> Finding:
    """`former` is what the database knows of another region or rule set, which may be the one that is meant."""
    if not reply.done:
        return unproven("active rule set", reply)
    active = active_rule_set(reply)
    if active == rule_set:
        return ok("active rule set", f"{rule_set} receives the mail of this region.")
    if not active:
        return failed("active rule set", f"None is active in {region}: SES refuses all mail.", _set_up(region, former))
    return failed(
        "active rule set",
        f"{active} is active, not {rule_set}: no rule of ours receives mail.",
        f"Find whose it is. Then `ses_setup --take-over`, which ends its mail, or SES_RULE_SET={active} to share it.",
    )


def judge_rule_set(rule_set: str, region: str, former: Sequence[PreviousScope], reply: Reply) -> Finding:
    """`former` as for the active one."""
    if reply.code == "RuleSetDoesNotExist":
        return failed("rule set", f"There is no rule set {rule_set} in {region}.", _set_up(region, former))
    if not reply.done:
        return unproven("rule set", reply)
    rules = len(reply.body.get("Rules", []))
    seen = f"{rule_set} has {rules} of at most {RULES_PER_SET} rules."
    if rules >= RULES_PER_SET:
        return failed("rule set", f"{seen} It is full.", "Delete domains, or rules that ses_rules shows as (not ours).")
    if rules >= RULES_PER_SET * 9 // 10:
        return warning("rule set", seen, "Make room soon: a new domain needs a rule.")
    return ok("rule set", seen)


def _set_up(region: str, former: Sequence[PreviousScope]) -> str:
    if not former:
        return f"If AWS_REGION={region} is the right one, run `python manage.py ses_setup`; else set it."
    there = " and ".join(f"{it.contents} in AWS_REGION={it.region}, SES_RULE_SET={it.rule_set}" for it in former)
    return f"The database knows of {there}: set that if it is meant. Else run `python manage.py ses_setup`."


def judge_bucket(bucket: str, region: str, reply: Reply) -> Finding:
    """From HeadBucket, which tells the region even to those who may not look."""
    if reply.code == "404":
        return failed(
            "bucket", f"There is no bucket {bucket}.", "Make it, or set S3_BUCKET_NAME to the one that is meant."
        )
    if isinstance(reply.error, Refused) and not reply.code:
        return failed(
            "bucket", f"S3_BUCKET_NAME is {bucket!r}, which no bucket can have.", "Set it to a bucket's name."
        )
    if not reply.done and not reply.denied:
        return unproven("bucket", reply)
    place = reply.headers.get("x-amz-bucket-region", "")
    if place and place != region:
        return ok("bucket", f"{bucket} is there, in {place}; SES may write across regions.")
    return ok("bucket", f"{bucket} is there, in {place}." if place else f"{bucket} is there.")


def judge_versioning(reply: Reply) -> Finding:
    if reply.denied:
        return _may_not_look("bucket versioning", "s3:GetBucketVersioning")
    if not reply.done:
        return unproven("bucket versioning", reply)
    if reply.body.get("MFADelete") == "Enabled":
        return failed(
            "bucket versioning",
            "MFA delete is on: no version of a stored mail can be erased.",
            "Turn MFA delete off for this bucket, as the account's root user.",
        )
    if reply.body.get("Status"):
        return ok("bucket versioning", f"{reply.body['Status']}; erasing removes every version.")
    return ok("bucket versioning", "Off.")


def judge_object_lock(reply: Reply) -> Finding:
    if reply.denied:
        return _may_not_look("object lock", "s3:GetBucketObjectLockConfiguration")
    if reply.code == "ObjectLockConfigurationNotFoundError":
        return ok("object lock", "Off.")
    if not reply.done:
        return unproven("object lock", reply)
    if reply.body.get("ObjectLockConfiguration", {}).get("Rule"):
        return failed(
            "object lock",
            "The bucket locks every new object: SES cannot write to it.",
            "Take the default retention off the bucket, or use another one.",
        )
    return warning("object lock", "On, without a default.", "Lock nothing under emails/: locked mail cannot be erased.")


def _may_not_look(check: str, action: str) -> Finding:
    return warning(
        check, f"Not looked at: {action} is not allowed.", "Allow it to have this checked; nothing else needs it."
    )


def with_key_errors(reply: Reply) -> Reply:
    """DeleteObjects answers 200 although it kept a key, and says so inside. A version that is not there is no error."""
    errors: Sequence[Mapping[str, Any]] = reply.body.get("Errors", [])
    codes = [error.get("Code", "") for error in errors if error.get("Code") != "NoSuchVersion"]
    return replace(reply, code=codes[0], error=Refused("S3 kept a key.", attention=True)) if codes else reply
