"""The active rule set and, on the emulator, the bucket (docs/architecture/ses.md, "Rule sets")."""

from __future__ import annotations

from collections.abc import Callable

from ses_integration.aws import account, clients
from ses_integration.aws.gateway import Gateway
from ses_integration.aws.translate import aws_errors
from ses_integration.conf import SesConfig
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.errors import Refused


def set_up_rule_set(
    config: SesConfig, tell: Callable[[str], object], *, take_over: bool = False, new_account: bool = False
) -> None:
    """Create and activate what is missing, and tell a sentence for each change.

    Raises Refused if another rule set is active, unless `take_over`: activating ours would stop its mail. Raises
    WrongAccount if the ledger describes another account, unless `new_account`: work that is pending there would look done.
    """
    if new_account and (changed := _change_account(config)):
        tell(changed)
    gateway = Gateway(config, verified=account.verify(config))
    with rate_limited(config):
        active = gateway.active_rule_set()
    if active and active != config.rule_set and not take_over:
        raise Refused(f"Receipt rule set {active} is active and is not ours; mail goes there.", needs_attention=True)
    if active != config.rule_set:
        with rate_limited(config):
            is_new = gateway.create_rule_set()
        with rate_limited(config):
            gateway.activate_rule_set()
        tell(f"Receipt rule set {config.rule_set} {'was created and ' if is_new else ''}is active now.")
    if config.auto_setup and config.bucket and _create_bucket(config):
        tell(f"Bucket {config.bucket} was created.")


def _change_account(config: SesConfig) -> str:
    """Record the account of the credentials. Return a sentence if another one was recorded before. Raises SesError."""
    before, now = account.read_recorded(config), account.of_credentials(config)
    if before in ("", now):
        return ""
    account.record(config, now)
    return f"The ledger describes account {now} from now on, and no longer {before}."


def _create_bucket(config: SesConfig) -> bool:
    s3 = clients.s3(config.region)
    with aws_errors("CreateBucket"):
        if any(bucket.get("Name") == config.bucket for bucket in s3.list_buckets().get("Buckets", [])):
            return False
        if config.region == "us-east-1":
            s3.create_bucket(Bucket=config.bucket)
        else:
            s3.create_bucket(
                Bucket=config.bucket,
                CreateBucketConfiguration={"LocationConstraint": config.region},  # type: ignore[typeddict-item]
            )
    return True
