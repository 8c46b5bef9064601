"""Judging what lies around AWS: settings, clocks, endpoints, credentials. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from ses_integration.checks import RECEIVING_REGIONS
from ses_integration.doctor.findings import Finding, failed, ok, skipped, warning
from ses_integration.doctor.reply import Reply

REGION = re.compile(r"[a-z]+(-[a-z]+)+-[0-9]{1,2}")
# AWS's endpoints, those of FIPS, of VPCs and of both IP versions included (General Reference, "AWS service endpoints").
AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")
SIGNATURE_LIVES = timedelta(minutes=5)  # IAM User Guide, "Elements of an AWS API request signature"
CLOCK_DOUBT = timedelta(seconds=60)


def judge_region(region: str) -> Finding:
    if not region:
        return failed(
            "region",
            "AWS_REGION is missing.",
            "Set AWS_REGION to the region that receives your mail, such as eu-west-1.",
        )
    if not REGION.fullmatch(region):
        return failed(
            "region", f"AWS_REGION is {region!r}, which is no region's name.", "Set it to one such as eu-west-1."
        )
    if region not in RECEIVING_REGIONS:
        return warning(
            "region",
            f"{region} is not known to receive mail.",
            "Look it up in the AWS General Reference, Amazon SES endpoints, email receiving; if it is not there, choose another.",
        )
    return ok("region", f"{region} receives mail.")


def judge_endpoints(endpoints: Mapping[str, str]) -> Finding:
    """Whether every service is asked at AWS itself. Rules, identities and stored mail must be in one and the same AWS."""
    places = {service: _place(url) for service, url in endpoints.items()}
    elsewhere = {service: place for service, place in places.items() if place}
    told = _told(endpoints)
    if not elsewhere:
        return ok("endpoints", f"AWS itself: {told}.")
    if len({places.get(service) for service in ("ses", "sesv2", "s3")}) > 1:
        return failed(
            "endpoints",
            f"The services are in different places: {told}.",
            "Set AWS_ENDPOINT_URL for all of them or for none; look at AWS_ENDPOINT_URL_SES, _SESV2, _S3 and ~/.aws/config.",
        )
    loopback = all(place == "this machine" for place in elsewhere.values())
    return warning(
        "endpoints",
        f"Not AWS but {'an emulator on this machine' if loopback else 'another host'}: {told}.",
        "Right for a trial. To use AWS, unset AWS_ENDPOINT_URL (and look into ~/.aws/config).",
    )


def _told(endpoints: Mapping[str, str]) -> str:
    services: dict[str, list[str]] = {}
    for service, url in endpoints.items():
        services.setdefault(_shown(url), []).append(service)
    return "; ".join(f"{', '.join(names)} at {url}" for url, names in services.items())


def _place(url: str) -> str:
    """Empty for AWS, else where it is."""
    host = urlsplit(url).hostname or ""
    if host.endswith(AWS_HOSTS):
        return ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    return "this machine" if loopback else host


def _shown(url: str) -> str:
    """Without what may be a password in it, and without a path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def judge_credentials(reply: Reply, account_id: str, recorded: str) -> Finding:
    """From GetCallerIdentity, which needs no permission. `recorded`: the account that the ledger is of, if one is known."""
    if reply.done:
        account, caller = reply.body["Account"], reply.body["Arn"]
        if account_id and account_id != account:
            return failed(
                "credentials",
                f"They are those of {caller}, account {account}; AWS_ACCOUNT_ID is {account_id}.",
                f"Set AWS_ACCOUNT_ID={account}, or use credentials of account {account_id}.",
            )
        if recorded and recorded != account:
            return failed(
                "credentials",
                f"They are those of {caller}, account {account}; what is recorded is in account {recorded}.",
                f"Use credentials of account {recorded}; if the installation has moved, run ses_setup --new-account.",
            )
        return ok("credentials", f"Account {account}, {caller}.")
    if reply.without_credentials:
        return failed(
            "credentials",
            "There are none.",
            "Give the process a role, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    if reply.silent or reply.busy:
        return warning(
            "credentials",
            "STS, which tells whose they are, gives no answer.",
            "Let the network reach STS, or go by what the other checks say.",
        )
    if reply.code == "ExpiredToken":
        return failed("credentials", "They have expired.", "Renew them, or sign in again.")
    return failed(
        "credentials",
        f"AWS does not accept them ({reply.code}).",
        "Look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_PROFILE, and at the clock.",
    )


def judge_clock(headers: Mapping[str, str], now: datetime) -> Finding:
    """This machine's clock against the Date header of an answer that came at `now`, a refusal included."""
    try:
        off = now - parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return skipped("clock", "AWS gave no answer to compare it with.", "Mend what keeps AWS away first.")
    seen = f"This machine is {_seconds(off)} AWS."
    if abs(off) >= SIGNATURE_LIVES:
        return failed(
            "clock", f"{seen} AWS refuses signatures from 5 minutes on.", "Set the clock, and keep it set (NTP)."
        )
    if abs(off) >= CLOCK_DOUBT:
        return warning(
            "clock", f"{seen} AWS refuses signatures from 5 minutes on.", "Set the clock, and keep it set (NTP)."
        )
    return ok("clock", f"Within {max(1, round(abs(off).total_seconds()))} s of AWS's.")


def judge_database_clock(database: datetime, now: datetime) -> Finding:
    """Leases, the rate limit and the waiting for calls without an answer go by the database's clock."""
    off = now - database
    if abs(off) >= CLOCK_DOUBT:
        return warning(
            "database clock",
            f"This machine is {_seconds(off)} the database.",
            "Set both clocks, and keep them set (NTP).",
        )
    return ok("database clock", f"Within {max(1, round(abs(off).total_seconds()))} s of this machine's.")


def _seconds(off: timedelta) -> str:
    return f"{round(abs(off).total_seconds())} s {'ahead of' if off > timedelta() else 'behind'}"
