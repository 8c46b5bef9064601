"""The rule set and its activation, and on the emulator the bucket: what must be there before any rule.

See docs/architecture/ses.md, "Rule sets".
"""

from __future__ import annotations

from ses_integration.aws import account, clients
from ses_integration.aws.gateway import Gateway
from ses_integration.aws.translate import aws_errors
from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.errors import Refused
from ses_integration.models import DomainSync


def prepare(config: SesConfig, *, take_over: bool = False, new_account: bool = False) -> list[str]:
    """Make what is missing, and return a sentence for each thing that was done; nothing to do is an empty list.

    Raises Refused when another rule set is active and `take_over` is not given: activating ours would stop its mail.
    Raises WrongAccount when the ledger is of another account and `new_account` is not given: what is owed there would be
    taken for done.
    """
    done: list[str] = []
    if new_account and (moved := _move(config)):
        done.append(moved)
    account.verify(config)
    gateway = Gateway(config)
    with rate_limited(config):
        active = gateway.active_rule_set()
    if active and active != config.rule_set and not take_over:
        raise Refused(f"Receipt rule set {active} is active and is not ours; mail goes there.", attention=True)
    if active != config.rule_set:
        with rate_limited(config):
            gateway.create_rule_set()
        with rate_limited(config):
            gateway.activate_rule_set()
        # Whoever was waiting for this need not wait for the long interval.
        DomainSync.objects.of(config).filter(stalled=True).update(retry_at=None)
        done.append(f"Receipt rule set {config.rule_set} is there and active.")
    if config.auto_setup and config.bucket and _make_bucket(config):
        done.append(f"Bucket {config.bucket} is there.")
    return done


def auto_setup() -> list[str]:
    """With SES_AUTO_SETUP (the emulator, which forgets), make what is missing as `prepare` does; elsewhere `ses_setup` does it
    once. Returns a sentence for each thing that was done."""
    config = ses_config()
    return prepare(config) if config.auto_setup else []


def _move(config: SesConfig) -> str:
    """A sentence if the ledger is of the credentials' account only from now on. Raises SesError."""
    before, now = account.recorded(config), account.of_credentials(config)
    if before in ("", now):
        return ""
    account.record(config, now)
    return f"What is recorded is of account {now} from now on, and no more of {before}."


def _make_bucket(config: SesConfig) -> bool:
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
