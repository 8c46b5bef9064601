"""Run all checks in order. A check whose dependencies failed is skipped, and the report names the cause."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from functools import partial

from django.utils import timezone

from ses_integration.aws import account
from ses_integration.conf import SesConfig, mail_source
from ses_integration.doctor.checklist import Checklist
from ses_integration.doctor.checks import bucket as bucket_checks
from ses_integration.doctor.checks import environment, installation, ses, targets
from ses_integration.doctor.checks.bucket import ABORT, DELETE, DELETE_VERSION, LIST, LIST_UPLOADS, STORE
from ses_integration.doctor.checks.permissions import check_archive_permission, check_permission, check_setup_permission
from ses_integration.doctor.mail import check_mail
from ses_integration.doctor.names import DoctorNames
from ses_integration.doctor.probes import bucket, permissions
from ses_integration.doctor.probes.permissions import ACTIVE_RULE_SET, IDENTITIES, ORDER, RULE_SET, RULES, SETUP
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.probes.send import send
from ses_integration.doctor.probes.session import AwsSession
from ses_integration.doctor.results import CheckResult, failed
from ses_integration.doctor.sending import check_sending
from ses_integration.doctor.try_targets import probe_targets
from ses_integration.drift.previous_scopes import find_previous_scopes
from ses_integration.errors import NotConfigured


def expected_seconds(config: SesConfig, *, probe: bool) -> int:
    """About how long `diagnose` takes if nothing else uses the rate limit."""
    calls = len(permissions.ALL) + (len(permissions.SENDING) if mail_source() != "none" else 0)
    if probe:
        calls += 1 + len(targets.configured_targets(config, DoctorNames(config.rule_prefix, ""), "", ""))
    return math.ceil(calls / config.calls_per_second) if config.calls_per_second > 0 else 1


def diagnose(config: SesConfig, *, probe: bool) -> list[CheckResult]:
    """Run every check once. Raises only DatabaseError.

    `probe`: whether it may create, and remove, the probe rule and its test object.
    """
    return Diagnosis(config, probe=probe).run()


class Diagnosis:
    def __init__(self, config: SesConfig, *, probe: bool) -> None:
        self._config = config
        self._probe = probe
        self._aws = AwsSession(config, DoctorNames(config.rule_prefix, secrets.token_hex(8)))
        self._checklist = Checklist()

    def run(self) -> list[CheckResult]:
        self._checklist.add(*installation.check_configuration())
        self._checklist.check("database", (), installation.check_database)
        self._checklist.check("database clock", ("database",), installation.check_database_clock)
        self._checklist.check("region", (), lambda: environment.check_region(self._config.region))
        self._checklist.check("endpoints", ("region",), self._endpoints)
        self._check_caller()
        rules = self._check_ses()
        self._check_s3()
        check_mail(self._checklist, self._aws, probe=self._probe)
        if mail_source() != "none":
            check_sending(self._checklist, self._aws)
        if self._probe:
            probe_targets(self._checklist, self._aws, self._targets(), rules)
        else:
            for target in self._targets():
                self._checklist.skip(target.check, "Skipped on request.", "Run ses_doctor without --no-probe.")
        return self._checklist.results

    # Endpoints and credentials

    def _endpoints(self) -> CheckResult:
        try:
            return environment.check_endpoints(self._aws.endpoints())
        except NotConfigured as error:
            return failed(
                "endpoints",
                f"AWS's own settings cannot be used: {error.__cause__}",
                "Check the variables that begin with AWS_, and ~/.aws.",
            )

    def _check_caller(self) -> None:
        response = Response()
        before = timezone.now()
        if self._checklist.passed("endpoints"):
            response = send("GetCallerIdentity", self._aws.sts.get_caller_identity)
        now = before + (timezone.now() - before) / 2
        recorded = account.read_recorded(self._config) if self._checklist.passed("database") else ""
        self._checklist.check(
            "credentials",
            ("endpoints",),
            lambda: environment.check_credentials(response, self._config.account_id, recorded),
        )
        self._checklist.check("clock", ("endpoints",), lambda: environment.check_clock(response.headers, now))
        self._aws.account = response.body.get("Account", "") or self._config.account_id
        self._aws.caller = response.body.get("Arn", "")

    # SES

    def _check_ses(self) -> Response:
        """Return the response to DescribeReceiptRuleSet."""
        active, described = Response(), Response()
        # Names and rate limit come from the settings, so those must be valid first.
        requires = ("configuration", "database", "credentials")
        if self._checklist.passed(*requires):
            active = ACTIVE_RULE_SET.run(self._aws)
        self._checklist.check("SES", requires, lambda: ses.check_ses(self._config.region, active))
        self._check_permission(ACTIVE_RULE_SET, active)
        if self._checklist.passed("SES"):
            described = RULE_SET.run(self._aws)
        self._check_permission(RULE_SET, described)
        for probe in (*RULES, ORDER, *IDENTITIES):
            self._checklist.check(probe.name, ("SES",), partial(self._permission, probe))
        rule_set, region = self._config.rule_set, self._config.region
        rule_set_active = ses.active_rule_set(active) == rule_set
        for probe in SETUP:
            self._checklist.check(probe.name, ("SES",), partial(self._setup_permission, probe, rule_set_active))
        self._checklist.check(
            "active rule set",
            (ACTIVE_RULE_SET.name,),
            lambda: ses.check_active_rule_set(rule_set, region, find_previous_scopes(self._config), active),
        )
        self._checklist.check(
            "rule set",
            (RULE_SET.name,),
            lambda: ses.check_rule_set(rule_set, region, find_previous_scopes(self._config), described),
        )
        return described

    def _check_permission(self, probe: permissions.PermissionProbe, response: Response) -> None:
        self._checklist.check(
            probe.name, ("SES",), lambda: check_permission(probe.name, probe.resource(self._aws), response)
        )

    def _permission(self, probe: permissions.PermissionProbe) -> CheckResult:
        return check_permission(probe.name, probe.resource(self._aws), probe.run(self._aws))

    def _setup_permission(self, probe: permissions.PermissionProbe, rule_set_active: bool) -> CheckResult:
        return check_setup_permission(probe.name, probe.run(self._aws), rule_set_active=rule_set_active)

    # S3

    def _check_s3(self) -> None:
        self._checklist.check("bucket", ("credentials",), self._bucket)
        versioning = Response()
        if self._checklist.passed("bucket"):
            versioning = bucket.get_versioning(self._aws)
        self._checklist.check("bucket versioning", ("bucket",), lambda: bucket_checks.check_versioning(versioning))
        self._checklist.check(
            "object lock", ("bucket",), lambda: bucket_checks.check_object_lock(bucket.get_object_lock(self._aws))
        )
        arn = self._aws.bucket_arn
        self._checklist.check(LIST, ("bucket",), lambda: check_permission(LIST, arn, bucket.list_versions(self._aws)))
        self._checklist.check(
            DELETE_VERSION,
            ("bucket",),
            lambda: check_permission(DELETE_VERSION, f"{arn}/emails/*", bucket.delete_version(self._aws)),
        )
        for name, resource, probe in (
            (STORE, f"{arn}/emails/*", bucket.upload_part),
            (ABORT, f"{arn}/emails/*", bucket.abort_upload),
            (LIST_UPLOADS, arn, bucket.list_uploads),
        ):
            self._checklist.check(name, ("bucket",), partial(self._archive_permission, name, resource, probe))
        # In a versioned bucket this leaves a delete marker, which must be erased again.
        writes = not versioning.succeeded or "Status" in versioning.body
        if writes and not self._probe and self._checklist.passed("bucket"):
            self._checklist.skip(DELETE, "Skipped: it may write a delete marker.", "Run ses_doctor without --no-probe.")
            return
        self._checklist.check(
            DELETE,
            ("bucket",),
            lambda: check_permission(DELETE, f"{arn}/emails/*", bucket.delete_object(self._aws)),
            proven=(LIST, DELETE_VERSION) if writes else (),
        )

    def _archive_permission(self, name: str, resource: str, probe: Callable[[AwsSession], Response]) -> CheckResult:
        return check_archive_permission(name, resource, probe(self._aws))

    def _bucket(self) -> CheckResult:
        if not self._config.bucket:
            return failed(
                "bucket",
                "S3_BUCKET_NAME is missing: rules can be deleted but not created or changed.",
                "Set S3_BUCKET_NAME to the bucket that SES stores mail in.",
            )
        return bucket_checks.check_bucket(self._config.bucket, self._config.region, bucket.head_bucket(self._aws))

    # Targets of rules

    def _targets(self) -> list[targets.Target]:
        return targets.configured_targets(self._config, self._aws.names, self._aws.partition, self._aws.account)
