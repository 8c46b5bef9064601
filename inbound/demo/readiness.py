"""Whether everything answers, asked from outside as a client would, and what to say then."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request

from domains.models import Domain
from inbound.demo.place import Place
from inbound.demo.seed import DOMAIN, EXPENDABLE, USER, Account
from ses_integration.api import pending

ANSWER_SECONDS = 5
# With these a second shell reaches the same AWS and the same rows.
FOR_COMMANDS = (
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ACCOUNT_ID",
    "S3_BUCKET_NAME",
    "SES_CALLS_PER_SECOND",
    "SES_CALL_SETTLE_SECONDS",
    "DNS_RESOLVERS",
    "DATABASE_URL",
    "SECRET_KEY",
)

# A proxy of the developer's shell must not come between processes of one machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def emulator_answers(place: Place) -> bool:
    return _answers(f"{place.emulator_url}/_health")


def api_answers(place: Place, account: Account) -> bool:
    return _answers(f"{place.web_url}/api/v2/domains", {"Authorization": f"Bearer {account.key}"})


def ses_in_line() -> bool:
    """Whether SES is confirmed to hold what the rows say."""
    verified = Domain.objects.live().filter(name=DOMAIN, status=Domain.Status.VERIFIED)
    # Only the demo's own domain: what somebody has tried out may be owed for ever.
    return verified.exists() and not pending([DOMAIN])


def _answers(url: str, headers: dict[str, str] | None = None) -> bool:
    request = urllib.request.Request(url, headers=headers or {})  # noqa: S310 - the scheme is ours
    try:
        with _opener.open(request, timeout=ANSWER_SECONDS) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def values(place: Place, account: Account) -> dict[str, str]:
    """What scripts need to use the demo, and a shell to run the commands on it."""
    return {
        "BASE_URL": f"{place.web_url}/api/v2",
        "API_KEY": account.key,
        "ADMIN_URL": f"{place.web_url}/admin/",
        "ADMIN_USER": USER,
        "ADMIN_PASSWORD": account.password,
        # boto3 asks for this one.
        "AWS_DEFAULT_REGION": os.environ["AWS_REGION"],
    } | {name: os.environ[name] for name in FOR_COMMANDS}


def announcement(place: Place, account: Account, *, seconds: float) -> str:
    said = values(place, account)
    base = said["BASE_URL"]
    key = f"-H 'Authorization: Bearer {account.key}'"
    return f"""
inbound is running, after {seconds:.0f} seconds.

  API      {base}
  API key  {account.key}
  Admin    {said["ADMIN_URL"]}  user {USER}, password {account.password}
  AWS      {place.emulator_url} (emulated)

To try: list the addresses, see what SES holds, delete {EXPENDABLE} (and see that SES no longer holds it).

  curl {key} {base}/email-addresses
  curl {place.emulator_url}/_ses
  curl -X DELETE {key} {base}/email-addresses/{account.expendable_id}

For scripts the same is in {place.values_file}. Ctrl-C stops everything and keeps the data in {place.folder}.
"""
