"""Endpoints as an archive describes them: perhaps without secrets, perhaps without any settings."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser

from audit.actions import Action
from audit.record import Entry, record_all
from endpoints.config_schema import Config, ConfigError, clean_config, split_secret
from endpoints.models import Endpoint
from endpoints.redaction import without_hidden
from endpoints.services import REASON_LIMIT, check, recorded, set_config

BATCH = 1000
# Lead nowhere (RFC 2606), so an endpoint that is switched on too early delivers nothing to anybody.
NOWHERE: dict[str, Config] = {
    Endpoint.Type.WEBHOOK: {"url": "https://imported.invalid/"},
    Endpoint.Type.EMAIL: {"forwardTo": "imported@imported.invalid"},
    Endpoint.Type.EMAIL_GROUP: {"emails": ["imported@imported.invalid"]},
}
WITHOUT_SETTINGS = "The archive does not have its settings. Replace those that it has now."
UNUSABLE = "Its settings cannot be used: {}. Correct them."
HIDDEN_SETTINGS = "The archive does not have these of its settings: {}. Fill them in."
WITH_NEW_KEY = "Its signing secret is new: set the earlier one, or give its receiver the new one."
AT_LAST = " Then switch it on."


@dataclass(frozen=True, slots=True)
class Described:
    """`config`: None if the archive does not have the settings; with `***` where it lacks a secret. `secret`: that of a webhook."""

    name: str
    type: str
    config: Config | None
    secret: str = ""
    description: str = ""
    is_active: bool = True


def prepare(owner: AbstractBaseUser, described: Described, *, dns_seconds: float) -> Endpoint:
    """A new endpoint that is not stored yet. Without a secret or usable settings it is inactive, and `inactive_reason` says what
    to fill in. May ask DNS for `dns_seconds`, so not inside a transaction. Never raises for what is described."""
    endpoint = Endpoint(owner_id=owner.pk, name=described.name, type=described.type, description=described.description)
    config, reasons = _usable(endpoint, described, dns_seconds)
    set_config(endpoint, config)
    endpoint.is_active = described.is_active and not reasons
    endpoint.inactive_reason = " ".join(reasons)[: REASON_LIMIT - len(AT_LAST)] + AT_LAST if reasons else ""
    return endpoint


def insert_all(endpoints: list[Endpoint]) -> None:
    """Store prepared endpoints. Needs a transaction."""
    for start in range(0, len(endpoints), BATCH):
        _insert(endpoints[start : start + BATCH])


def _insert(endpoints: list[Endpoint]) -> None:
    Endpoint.objects.bulk_create(endpoints)
    record_all(Entry.of(Action.ADDED, row, row.owner_id, after=recorded(row)) for row in endpoints)


def _usable(endpoint: Endpoint, described: Described, dns_seconds: float) -> tuple[Config, list[str]]:
    """A valid config, and the sentences about what is wrong with it."""
    nowhere = clean_config(described.type, NOWHERE[described.type])
    if described.config is None:
        return nowhere, [WITHOUT_SETTINGS]
    try:
        config, hidden = without_hidden(described.config)
    except RecursionError:
        return nowhere, [WITHOUT_SETTINGS]
    reasons = [HIDDEN_SETTINGS.format(", ".join(hidden))] if hidden else []
    if described.type == Endpoint.Type.WEBHOOK:
        if not described.secret:
            reasons.append(WITH_NEW_KEY)
        # The signing secret is never in a stored config.
        config = split_secret(config)[0] | ({"secret": described.secret} if described.secret else {})
    try:
        cleaned = clean_config(described.type, config)
    except ConfigError as error:
        return nowhere, [UNUSABLE.format(str(error).rstrip("."))]
    try:
        check(endpoint, cleaned, dns_seconds=dns_seconds)
    except ConfigError as error:
        reasons.insert(0, UNUSABLE.format(str(error).rstrip(".")))
    return cleaned, reasons
