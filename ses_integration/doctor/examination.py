"""The checks in their order. One that needs another which was not passed is left out, and says so."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from functools import partial

from django.utils import timezone

from ses_integration.aws import account
from ses_integration.conf import SesConfig
from ses_integration.doctor import host, judging, permissions, storage, surroundings
from ses_integration.doctor.asking import ask
from ses_integration.doctor.aws import Aws
from ses_integration.doctor.findings import Finding, blocked_by, failed, ok, skipped, warning
from ses_integration.doctor.names import Names
from ses_integration.doctor.permissions import ACTIVE_RULE_SET, IDENTITIES, ORDER, RULE_SET, RULES, SETUP
from ses_integration.doctor.probe import ProbeRule
from ses_integration.doctor.reply import Reply
from ses_integration.doctor.targets import Target, judge_left_rule, judge_probe_rule, judge_target, targets
from ses_integration.drift.previous_scopes import find_previous_scopes
from ses_integration.errors import NotConfigured, SesError
from ses_integration.storage import erase

LIST, DELETE, DELETE_VERSION = "s3:ListBucketVersions", "s3:DeleteObject", "s3:DeleteObjectVersion"
ERASE_SECONDS = 10.0


def expected_seconds(config: SesConfig, *, probe: bool) -> int:
    """About how long an examination takes where nothing else calls SES."""
    calls = len(permissions.ALL)
    if probe:
        calls += 1 + len(targets(config, Names(config.rule_prefix, ""), "", ""))
    return math.ceil(calls / config.calls_per_second) if config.calls_per_second > 0 else 1


def examine(config: SesConfig, *, probe: bool) -> list[Finding]:
    """Every check once. `probe` lets it write for a moment what it takes away again. Raises DatabaseError only."""
    return Examination(config, probe=probe).run()


class Examination:
    def __init__(self, config: SesConfig, *, probe: bool) -> None:
        self._config = config
        self._probe = probe
        self._aws = Aws(config, Names(config.rule_prefix, secrets.token_hex(8)))
        self._findings: list[Finding] = []
        # Which failure a check was left out for, through those that were left out before it.
        self._roots: dict[str, str] = {}

    def run(self) -> list[Finding]:
        self._findings = host.configuration()
        self._look("database", (), host.database)
        self._look("database clock", ("database",), host.database_clock)
        self._look("region", (), lambda: surroundings.judge_region(self._config.region))
        self._look("endpoints", ("region",), self._endpoints)
        self._ask_sts()
        rules = self._ask_ses()
        self._ask_s3()
        if self._probe:
            self._probe_targets(rules)
        else:
            for target in self._targets():
                self._leave_out(target.check, "Left out on request.", "Run ses_doctor without --no-probe.")
        return self._findings

    def _passed(self, *needs: str) -> bool:
        return not blocked_by(self._findings, needs)

    def _look(self, check: str, needs: Sequence[str], judge: Callable[[], Finding], proven: Sequence[str] = ()) -> None:
        if blocker := blocked_by(self._findings, needs, proven):
            root = self._roots[check] = self._roots.get(blocker, blocker)
            self._leave_out(check, "Not looked at.", f"Mend {root} first.")
        else:
            self._findings.append(judge())

    def _leave_out(self, check: str, seen: str, do: str) -> None:
        self._findings.append(skipped(check, seen, do))

    # Where and who

    def _endpoints(self) -> Finding:
        try:
            return surroundings.judge_endpoints(self._aws.endpoints())
        except NotConfigured as error:
            return failed(
                "endpoints",
                f"AWS's own settings cannot be used: {error.__cause__}",
                "Look at the variables that begin with AWS_, and into ~/.aws.",
            )

    def _ask_sts(self) -> None:
        reply = Reply()
        before = timezone.now()
        if self._passed("endpoints"):
            reply = ask("GetCallerIdentity", self._aws.sts.get_caller_identity)
        now = before + (timezone.now() - before) / 2
        recorded = account.recorded(self._config) if self._passed("database") else ""
        self._look(
            "credentials",
            ("endpoints",),
            lambda: surroundings.judge_credentials(reply, self._config.account_id, recorded),
        )
        self._look("clock", ("endpoints",), lambda: surroundings.judge_clock(reply.headers, now))
        self._aws.account = reply.body.get("Account", "") or self._config.account_id
        self._aws.caller = reply.body.get("Arn", "")

    # SES

    def _ask_ses(self) -> Reply:
        """The rule set as SES describes it."""
        active, described = Reply(), Reply()
        # The names that are sent, and the turns that are taken, are made of the settings.
        needs = ("configuration", "database", "credentials")
        if self._passed(*needs):
            active = ACTIVE_RULE_SET.ask(self._aws)
        self._look("SES", needs, lambda: judging.judge_ses(self._config.region, active))
        self._judge(ACTIVE_RULE_SET, active)
        if self._passed("SES"):
            described = RULE_SET.ask(self._aws)
        self._judge(RULE_SET, described)
        for proof in (*RULES, ORDER, *IDENTITIES):
            self._look(proof.name, ("SES",), partial(self._prove, proof))
        rule_set, region = self._config.rule_set, self._config.region
        is_ours = judging.active_rule_set(active) == rule_set
        for proof in SETUP:
            self._look(proof.name, ("SES",), partial(self._prove_setup, proof, is_ours))
        self._look(
            "active rule set",
            (ACTIVE_RULE_SET.name,),
            lambda: judging.judge_active_rule_set(rule_set, region, find_previous_scopes(self._config), active),
        )
        self._look(
            "rule set",
            (RULE_SET.name,),
            lambda: judging.judge_rule_set(rule_set, region, find_previous_scopes(self._config), described),
        )
        return described

    def _judge(self, proof: permissions.Proof, reply: Reply) -> None:
        self._look(proof.name, ("SES",), lambda: judging.judge_permission(proof.name, proof.resource(self._aws), reply))

    def _prove(self, proof: permissions.Proof) -> Finding:
        return judging.judge_permission(proof.name, proof.resource(self._aws), proof.ask(self._aws))

    def _prove_setup(self, proof: permissions.Proof, active: bool) -> Finding:
        return judging.judge_setup_permission(proof.name, proof.ask(self._aws), active=active)

    # S3

    def _ask_s3(self) -> None:
        self._look("bucket", ("credentials",), self._bucket)
        versioning = Reply()
        if self._passed("bucket"):
            versioning = storage.versioning(self._aws)
        self._look("bucket versioning", ("bucket",), lambda: judging.judge_versioning(versioning))
        self._look("object lock", ("bucket",), lambda: judging.judge_object_lock(storage.object_lock(self._aws)))
        arn = self._aws.bucket_arn
        self._look(LIST, ("bucket",), lambda: judging.judge_permission(LIST, arn, storage.list_versions(self._aws)))
        self._look(
            DELETE_VERSION,
            ("bucket",),
            lambda: judging.judge_permission(DELETE_VERSION, f"{arn}/emails/*", storage.delete_version(self._aws)),
        )
        # Where versions are kept it leaves a delete marker, which has to be erased again.
        writes = not versioning.done or "Status" in versioning.body
        if writes and not self._probe and self._passed("bucket"):
            self._leave_out(DELETE, "Left out: it may write a delete marker.", "Run ses_doctor without --no-probe.")
            return
        self._look(
            DELETE,
            ("bucket",),
            lambda: judging.judge_permission(DELETE, f"{arn}/emails/*", storage.delete_object(self._aws)),
            proven=(LIST, DELETE_VERSION) if writes else (),
        )

    def _bucket(self) -> Finding:
        if not self._config.bucket:
            return failed(
                "bucket",
                "S3_BUCKET_NAME is missing: rules can be deleted but not created or changed.",
                "Set S3_BUCKET_NAME to the bucket that SES stores mail in.",
            )
        return judging.judge_bucket(self._config.bucket, self._config.region, storage.bucket(self._aws))

    # What SES reaches

    def _targets(self) -> list[Target]:
        return targets(self._config, self._aws.names, self._aws.partition, self._aws.account)

    def _probe_targets(self, described: Reply) -> None:
        """Try the targets with a rule of our own, and take away what that has made, whatever happens in between."""
        names = self._aws.names
        self._look(
            "probe rule",
            ("SES", "rule set"),
            lambda: judge_probe_rule(described, names),
            # What cannot be deleted is not made.
            proven=[proof.name for proof in RULES],
        )
        left_over = self._passed("probe rule") and names.rule in [rule["Name"] for rule in described.body["Rules"]]
        rule = ProbeRule(self._aws, there=left_over)
        try:
            rule.remove()
            for target in self._targets():
                # What SES writes into the bucket must be ours to erase.
                writes = "S3Action" in target.action
                self._look(
                    target.check,
                    ("probe rule", "bucket versioning", "object lock") if writes else ("probe rule",),
                    partial(self._try_target, rule, target),
                    proven=(LIST, DELETE_VERSION) if writes else (),
                )
        finally:
            removal = rule.remove()
        problem = self._erase() if self._passed("bucket", LIST, DELETE_VERSION) else ""
        if rule.there or rule.may_add:
            self._findings.append(judge_left_rule(names, self._config.call_settle, removal))
        elif problem:
            self._findings.append(
                warning(
                    "clean-up", f"{problem} Test objects may be left below {names.key_prefix}.", "Run ses_doctor again."
                )
            )
        else:
            self._findings.append(ok("clean-up", "This run has left nothing in SES or in the bucket."))

    def _try_target(self, rule: ProbeRule, target: Target) -> Finding:
        return judge_target(target, self._config.rule_set, rule.put(target.action))

    def _erase(self) -> str:
        """The objects that SES and we have written; what of them is left, in a sentence."""
        try:
            erasure = erase.erase(self._aws.names.key_prefix, seconds=ERASE_SECONDS)
        except SesError as error:
            return error.sentence
        return erasure.problem if not erasure.finished else ""
