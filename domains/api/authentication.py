"""`/domains/{id}/auth` and PATCH `/domains/{id}`: verification and MAIL FROM (docs/api/compatibility.md, "Verification")."""

from __future__ import annotations

from typing import Any, cast

from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from domains.api import verification_check as shown
from domains.api.serializers import CHECKED, IN_SES, RECORD, RecordToPublishSerializer
from domains.dns.records import RecordKind
from domains.lifecycle.authenticate import MailFromRefused, check, start
from domains.lifecycle.mail_from import usable_label
from domains.models import Domain
from domains.verification.check import Checked
from domains.verification.rule import SUCCESS
from rest.errors import Failed, Refused
from rest.fields import Boolean, SchemaOnly, Text, like
from rest.names.canonical import LABEL
from rest.serializers import Answer, Body
from rest.viewsets import OwnedViewSet
from ses_integration.api import RecordedIdentity, configured

NOT_CONFIGURED = "AWS SES not configured. Please set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY environment variables."
NO_RECORDS = "No DNS records found for domain. Please run POST /domains/{id}/auth first."
NO_MAIL_FROM = "Failed to configure MAIL FROM domain"
MESSAGES = {
    "verified": "Domain authentication fully verified! You can now send emails with enhanced deliverability.",
    "failed": "Domain authentication failed. Please check your DNS records and try again.",
}
MAIL_FROM_KINDS = (RecordKind.MAIL_FROM_MX, RecordKind.MAIL_FROM_SPF)


COUNTS = ("totalRecords", "verifiedRecords", "requiredRecords", "verifiedRequiredRecords")
TO_PUBLISH = {**RECORD, "isRequired": True, "isVerified": False, "description": "SES domain verification"}


class StartedSerializer(Answer):
    success = SchemaOnly("boolean")
    domain = SchemaOnly("string")
    sesIdentityStatus = SchemaOnly("string")
    dkimEnabled = SchemaOnly("boolean")
    dkimTokens = SchemaOnly(like(["abc"]))
    mailFromDomain = SchemaOnly("string", nullable=True)
    mailFromStatus = SchemaOnly("string")
    records = SchemaOnly(like([TO_PUBLISH]))
    message = SchemaOnly("string")
    warning = SchemaOnly("string")


class StartBody(Body):
    answer = StartedSerializer

    mailFromDomain = Text(required=False, allow_null=True, max_length=63, source="label")
    generateSpf = Boolean(required=False, default=True, source="spf")
    generateDmarc = Boolean(required=False, default=True, source="dmarc")

    def validate_mailFromDomain(self, label: str | None) -> str:
        """A label. Empty: SES keeps the MAIL FROM domain that it has."""
        if label and not LABEL.fullmatch(label.lower()):
            raise ValidationError("mailFromDomain must be a label, such as mail")
        return (label or "").lower()


class VerifiedSerializer(Answer):
    """The answer to PATCH /domains/{id}/auth."""

    optional = ("nextSteps",)

    success = SchemaOnly("boolean")
    domain = SchemaOnly("string")
    overallStatus = SchemaOnly("string")
    dnsRecords = SchemaOnly(like([{**TO_PUBLISH, **CHECKED}]))
    sesStatus = SchemaOnly(like({"identityStatus": "Success", "identityVerified": True, **IN_SES}))
    summary = SchemaOnly(like(dict.fromkeys(COUNTS, 9)))
    message = SchemaOnly("string")
    nextSteps = SchemaOnly(like(["DNS propagation in progress. Try again in a few minutes."]))


class MailFromSerializer(Answer):
    """The answer to PATCH /domains/{id}."""

    optional = ("additionalDnsRecords",)

    success = SchemaOnly("boolean")
    message = SchemaOnly("string")
    mailFromDomain = SchemaOnly("string")
    mailFromDomainStatus = SchemaOnly("string")
    additionalDnsRecords = SchemaOnly(like([{**RECORD, "isRequired": False, "description": "MAIL FROM"}]))


class AuthenticationActions(OwnedViewSet[Domain]):
    """The actions, for the viewset of domains."""

    @action(detail=True, methods=["post"])
    def auth(self, request: Request, pk: str) -> Response:
        """Start the verification again."""
        domain = self._configured_domain()
        body = cast(Any, StartBody(data=request.data))
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        started = start(domain=domain, mail_from_label=asked.get("label") or "")
        checked, details = started.checked, shown.ses_details(started.checked)
        left_out = {
            kind for kind, wanted in ((RecordKind.SPF, asked["spf"]), (RecordKind.DMARC, asked["dmarc"])) if not wanted
        }
        records = [
            shown.record_to_publish(row, record)
            for row, record in shown.in_order(checked)
            if record.kind not in left_out
        ]
        answer = {
            "success": True,
            "domain": domain.name,
            "sesIdentityStatus": checked.ses_status,
            "dkimEnabled": bool(details.get("dkimTokens")),
            "dkimTokens": details.get("dkimTokens", []),
            "mailFromDomain": details.get("mailFromDomain"),
            "mailFromStatus": details.get("mailFromStatus", "NotSet"),
            "records": records,
            "message": (
                f"Domain authentication initialized. {len(records)} DNS records generated. Add these records to your DNS "
                "provider and use the verify endpoint to check status."
            ),
        }
        return Response(answer | ({"warning": started.warning} if started.warning else {}), status=201)

    @auth.mapping.patch
    def verify(self, request: Request, pk: str) -> Response:
        """Check the verification now."""
        domain = self._configured_domain()
        checked = check(domain)
        if not checked.records:
            raise Refused(NO_RECORDS)
        rows = shown.in_order(checked)
        required = [row for row, _ in rows if row.is_required]
        status = overall_status(checked)
        summary = {
            "totalRecords": len(rows),
            "verifiedRecords": sum(row.is_verified for row, _ in rows),
            "requiredRecords": len(required),
            "verifiedRequiredRecords": sum(row.is_verified for row in required),
        }
        in_progress = (
            f"Domain authentication in progress. {summary['verifiedRecords']}/{summary['totalRecords']} DNS records verified, "
            f"{summary['verifiedRequiredRecords']}/{summary['requiredRecords']} required records verified."
        )
        answer = {
            "success": True,
            "domain": domain.name,
            "overallStatus": status,
            "dnsRecords": [shown.checked_record(checked, row, record) for row, record in rows],
            "sesStatus": {
                "identityStatus": checked.ses_status,
                "identityVerified": checked.ses_status == SUCCESS,
                **shown.ses_details(checked),
            },
            "summary": summary,
            "message": MESSAGES.get(status, in_progress),
        }
        return Response(answer | ({} if status == Domain.Status.VERIFIED else {"nextSteps": next_steps(checked)}))

    def partial_update(self, request: Request, pk: str) -> Response:
        """Give the domain a MAIL FROM domain, if SES has none for it or has not verified it."""
        domain = self._configured_domain()
        known = RecordedIdentity.by_domain([domain.name]).get(domain.name)
        if known and known.mail_from_status == SUCCESS:
            return Response(
                {
                    "success": True,
                    "message": "Domain already has MAIL FROM domain configured",
                    "mailFromDomain": known.mail_from_domain,
                    "mailFromDomainStatus": known.mail_from_status,
                }
            )
        label = "" if known and known.mail_from_domain else usable_label(domain)
        try:
            started = start(domain=domain, mail_from_label=label)
        except MailFromRefused as error:
            raise Failed({"error": NO_MAIL_FROM, "details": str(error)}) from error
        identity = started.checked.identity
        if identity is None or not identity.mail_from_domain:
            raise Failed({"error": NO_MAIL_FROM, "details": started.warning})
        records = [record for _, record in shown.in_order(started.checked) if record.kind in MAIL_FROM_KINDS]
        return Response(
            {
                "success": True,
                "message": "Domain successfully upgraded with MAIL FROM domain configuration",
                "mailFromDomain": identity.mail_from_domain,
                "mailFromDomainStatus": identity.mail_from_status or "Pending",
                "additionalDnsRecords": RecordToPublishSerializer(records, many=True).data,
            }
        )

    def _configured_domain(self) -> Domain:
        domain = self.get_object()
        if not configured():
            raise Failed(NOT_CONFIGURED)
        return domain


def overall_status(checked: Checked) -> str:
    """The domain's status, but verified only if the required records are published, too."""
    status = checked.domain.status
    return Domain.Status.PENDING if status == Domain.Status.VERIFIED and shown.missing(checked) else status


def next_steps(checked: Checked) -> list[str]:
    """What the owner can do, in sentences."""
    details = shown.ses_details(checked)
    missing = shown.missing(checked)
    names = ", ".join(f"{one.record.type} {one.record.name}" for one in missing)
    steps = [
        (bool(missing), f"Add {len(missing)} missing required DNS record(s): {names}"),
        (checked.ses_status != SUCCESS, "Wait for SES identity verification (can take up to 72 hours)"),
        (not details["dkimVerified"], "Wait for DKIM verification (requires CNAME records)"),
        (
            not details["mailFromVerified"] and bool(details.get("mailFromDomain")),
            "Wait for MAIL FROM domain verification (requires MX record)",
        ),
    ]
    return [step for applies, step in steps if applies] or ["DNS propagation in progress. Try again in a few minutes."]
