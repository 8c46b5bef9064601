"""Check whether the demo is ready, as a client would, and compose the text to print when it is."""

from __future__ import annotations

import http.client
import os
import smtplib
import urllib.error
import urllib.request

from domains.models import Domain
from inbound.demo.environment import HOST, DemoEnvironment
from inbound.demo.seed import ADDRESSES, DOMAIN, USER, Account
from ses_integration.api import SyncState

ANSWER_SECONDS = 5
ACCEPTED = 250
# The settings a second shell needs to use the same AWS and database.
# Without them, a command in another shell would delete for good what the demo keeps.
IF_SET = ("DOMAIN_DELETE_GRACE_DAYS", "ADDRESS_DELETE_GRACE_DAYS")
FOR_COMMANDS = (
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ACCOUNT_ID",
    "S3_BUCKET_NAME",
    "SES_TOPIC_ARN",
    "SES_QUEUE_URL",
    "SES_CONFIGURATION_SET",
    "SES_CALLS_PER_SECOND",
    "SES_CALL_SETTLE_SECONDS",
    "MAIL_SOURCE",
    "MAIL_SWEEP_SECONDS",
    "MAIL_SWEEP_GRACE_SECONDS",
    "PUBLIC_URL",
    "WEBHOOK_ALLOWED_NETWORKS",
    "WEBHOOK_RETRY_SECONDS",
    "SMTP_HOST",
    "SMTP_PORT",
    "DNS_RESOLVERS",
    "DATABASE_URL",
    "SECRET_KEY",
)

# Ignore a proxy from the developer's shell: all processes run on this machine.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def emulator_answers(demo: DemoEnvironment) -> bool:
    return _answers(f"{demo.emulator_url}/_health")


def api_answers(demo: DemoEnvironment, account: Account) -> bool:
    return _answers(f"{demo.web_url}/api/v2/domains", {"Authorization": f"Bearer {account.key}"})


def ses_up_to_date() -> bool:
    """Whether SES has confirmed the demo's domain."""
    verified = Domain.objects.live().filter(name=DOMAIN, status=Domain.Status.VERIFIED)
    # Only this domain: other domains, added while trying things out, may stay pending forever.
    return verified.exists() and not SyncState.pending_names([DOMAIN])


def mail_is_accepted(demo: DemoEnvironment) -> bool:
    """Whether SES has a rule that takes mail, so that it would be stored, and the mail worker told of it."""
    try:
        with smtplib.SMTP(HOST, demo.smtp_port, local_hostname="localhost", timeout=ANSWER_SECONDS) as smtp:
            smtp.ehlo_or_helo_if_needed()
            smtp.mail("")
            return any(smtp.rcpt(address)[0] == ACCEPTED for address in ADDRESSES)
    except (OSError, smtplib.SMTPException):
        return False


def _answers(url: str, headers: dict[str, str] | None = None) -> bool:
    request = urllib.request.Request(url, headers=headers or {})  # noqa: S310 - always http
    try:
        with opener.open(request, timeout=ANSWER_SECONDS) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def values(demo: DemoEnvironment, account: Account) -> dict[str, str]:
    """The variables for `demo.env`: what scripts and other shells need to use the demo."""
    return {
        "BASE_URL": f"{demo.web_url}/api/v2",
        "API_KEY": account.key,
        "ADMIN_URL": f"{demo.web_url}/admin/",
        "ADMIN_USER": USER,
        "ADMIN_PASSWORD": account.password,
        # boto3 reads this one.
        "AWS_DEFAULT_REGION": os.environ["AWS_REGION"],
    } | {name: os.environ[name] for name in (*FOR_COMMANDS, *(it for it in IF_SET if it in os.environ))}


def announcement(demo: DemoEnvironment, account: Account, *, seconds: float) -> str:
    shown = values(demo, account)
    base = shown["BASE_URL"]
    return f"""
inbound is running, after {seconds:.0f} seconds.

  API      {base}
  API key  {account.key}
  Admin    {shown["ADMIN_URL"]}  user {USER}, password {account.password}
  AWS      {demo.emulator_url} (emulated)
  DNS      {demo.dns_address} (emulated)
  SMTP     {demo.smtp_address} (emulated)
  Webhooks {demo.hook_url} (received here)

README.md, "Try it", says what to do with it.

Scripts find these values in {demo.values_file}. Ctrl-C stops everything and keeps the data in {demo.folder}.
"""
