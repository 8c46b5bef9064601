"""Checks of region, endpoints, credentials and clocks. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from ses_integration.checks import RECEIVING_REGIONS
from ses_integration.doctor.probes.response import Response
from ses_integration.doctor.results import CheckResult, failed, ok, skipped, warning

LOOPBACK = "this machine"
# AWS's endpoints, including FIPS, VPC and dual-stack ones (General Reference, "AWS service endpoints").
AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")
SIGNATURE_VALID_FOR = timedelta(minutes=5)  # IAM User Guide, "Elements of an AWS API request signature"
MAX_CLOCK_DRIFT = timedelta(seconds=60)


def check_region(region: str) -> CheckResult:
    if not region:
        return failed(
            "region",
            "AWS_REGION is missing.",
            "Set AWS_REGION to the region that receives your mail, such as eu-west-1.",
        )
    if region not in RECEIVING_REGIONS:
        return warning(
            "region",
            f"{region} is not known to receive mail.",
            "Look it up in the AWS General Reference, Amazon SES endpoints, email receiving; if it is not listed, choose another.",
        )
    return ok("region", f"{region} receives mail.")


def check_endpoints(endpoints: Mapping[str, str]) -> CheckResult:
    """Whether every service is reached at AWS. Rules, identities and stored mail must be in the same place."""
    hosts = {service: _other_host(url) for service, url in endpoints.items()}
    elsewhere = {service: host for service, host in hosts.items() if host}
    listed = _listed(endpoints)
    if not elsewhere:
        return ok("endpoints", f"AWS itself: {listed}.")
    if len({host for service, host in hosts.items() if service != "sts"}) > 1:
        return failed(
            "endpoints",
            f"The services are in different places: {listed}.",
            "Set AWS_ENDPOINT_URL for all of them or for none; check AWS_ENDPOINT_URL_SES and the like, and ~/.aws/config.",
        )
    loopback = all(host == LOOPBACK for host in elsewhere.values())
    return warning(
        "endpoints",
        f"Not AWS but {'an emulator on this machine' if loopback else 'another host'}: {listed}.",
        "Right for a trial. To use AWS, unset AWS_ENDPOINT_URL (and check ~/.aws/config).",
    )


def _listed(endpoints: Mapping[str, str]) -> str:
    services: dict[str, list[str]] = {}
    for service, url in endpoints.items():
        services.setdefault(_without_secrets(url), []).append(service)
    return "; ".join(f"{', '.join(names)} at {url}" for url, names in services.items())


def _other_host(url: str) -> str:
    """The host or LOOPBACK, empty for AWS."""
    host = urlsplit(url).hostname or ""
    if host.endswith(AWS_HOSTS):
        return ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    return LOOPBACK if loopback else host


def _without_secrets(url: str) -> str:
    """Scheme, host and port. User information and path may hold a password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def check_credentials(response: Response, account_id: str, recorded: str) -> CheckResult:
    """Judge the response to GetCallerIdentity, which needs no permission. `recorded`: account of the ledger, if known."""
    if response.succeeded:
        account, caller = response.body["Account"], response.body["Arn"]
        if account_id and account_id != account:
            return failed(
                "credentials",
                f"They belong to {caller}, account {account}; AWS_ACCOUNT_ID is {account_id}.",
                f"Set AWS_ACCOUNT_ID={account}, or use credentials of account {account_id}.",
            )
        if recorded and recorded != account:
            return failed(
                "credentials",
                f"They belong to {caller}, account {account}; the ledger belongs to account {recorded}.",
                f"Use credentials of account {recorded}; if the installation has moved, run ses_setup --new-account.",
            )
        return ok("credentials", f"Account {account}, {caller}.")
    if response.no_credentials:
        return failed(
            "credentials",
            "None found.",
            "Give the process a role, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    if response.unanswered or response.throttled:
        return warning(
            "credentials",
            "STS, which names their account, does not answer.",
            "Allow network access to STS, or rely on the other checks.",
        )
    if response.code == "ExpiredToken":
        return failed("credentials", "They have expired.", "Renew them, or sign in again.")
    return failed(
        "credentials",
        f"AWS does not accept them ({response.code}).",
        "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_PROFILE, and the clock.",
    )


def check_clock(headers: Mapping[str, str], now: datetime) -> CheckResult:
    """Compare this machine's clock with the Date header of a response, even of an error, received at `now`."""
    try:
        ahead = now - parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return skipped("clock", "No response from AWS to compare it with.", "Fix the connection to AWS first.")
    seen = f"This machine is {_seconds(ahead)} AWS."
    if abs(ahead) >= SIGNATURE_VALID_FOR:
        return failed(
            "clock",
            f"{seen} AWS refuses signatures that are 5 minutes off.",
            "Set the clock, and keep it synchronised (NTP).",
        )
    if abs(ahead) >= MAX_CLOCK_DRIFT:
        return warning(
            "clock",
            f"{seen} AWS refuses signatures that are 5 minutes off.",
            "Set the clock, and keep it synchronised (NTP).",
        )
    return ok("clock", f"Within {max(1, round(abs(ahead).total_seconds()))} s of AWS's.")


def compare_database_clock(database: datetime, now: datetime) -> CheckResult:
    """Compare this machine's clock with the database's, which leases, the rate limit and settle times use."""
    ahead = now - database
    if abs(ahead) >= MAX_CLOCK_DRIFT:
        return warning(
            "database clock",
            f"This machine is {_seconds(ahead)} the database.",
            "Set both clocks, and keep them synchronised (NTP).",
        )
    return ok("database clock", f"Within {max(1, round(abs(ahead).total_seconds()))} s of this machine's.")


def _seconds(ahead: timedelta) -> str:
    return f"{round(abs(ahead).total_seconds())} s {'ahead of' if ahead > timedelta() else 'behind'}"
