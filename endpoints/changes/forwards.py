"""Checks of what an endpoint forwards to and sends from, which depend on the owner's domains and routes."""

from __future__ import annotations

from email.utils import parseaddr

from addresses.models import EmailAddress
from domains.models import Domain
from domains.names import domain_of, normalise_address
from endpoints.config_schema import Config, ConfigError
from endpoints.models import Endpoint

NOT_YOURS = "fromAddress must be an address of one of your verified domains"
LOOP = "{} is routed to this endpoint, so its mail would come back forever"
RECEIVED_AGAIN = "{} is an address of your own domain, so inbound receives again what is forwarded to it."


def check(endpoint: Endpoint, config: Config) -> str:
    """A warning about a valid config of type `email` or `email_group`, which may be empty. Raises ConfigError.

    `endpoint` may be new: then nothing is routed to it.
    """
    if config.get("fromAddress"):
        check_sender(endpoint, config["fromAddress"])
    given = config["emails"] if endpoint.type == Endpoint.Type.EMAIL_GROUP else [config["forwardTo"]]
    members = list(filter(None, map(_normalised, given)))
    names = {domain_of(member) for member in members}
    domains = Domain.objects.live().filter(owner_id=endpoint.owner_id, name__in=names)
    own = {domain.name: domain for domain in domains}
    received = [member for member in members if domain_of(member) in own]
    if not received:
        return ""
    routes = dict(
        EmailAddress.objects.filter(domain__in=own.values(), address__in=[*received, *map(_without_label, received)])
        .order_by()
        .values_list("address", "endpoint_id")
    )
    for member in received:
        catch_all = own[domain_of(member)].catch_all_endpoint_id
        if routes.get(member, routes.get(_without_label(member), catch_all)) == endpoint.pk:
            raise ConfigError(
                LOOP.format(member), "emails" if endpoint.type == Endpoint.Type.EMAIL_GROUP else "forwardTo"
            )
    return " ".join(map(RECEIVED_AGAIN.format, received))


def check_sender(endpoint: Endpoint, sender: str) -> str:
    """The address of a `fromAddress`, which may contain a display name. Raises ConfigError unless the owner may send from it."""
    try:
        address = _normalised(parseaddr(sender)[1])
    except RecursionError:
        # It consists of brackets.
        address = ""
    verified = Domain.objects.live().filter(owner_id=endpoint.owner_id, status=Domain.Status.VERIFIED)
    if not address or not verified.filter(name=domain_of(address)).exists():
        raise ConfigError(NOT_YOURS, "fromAddress")
    return address


def _normalised(address: str) -> str:
    """Empty if it cannot be an address of a domain of ours."""
    try:
        return normalise_address(address)
    except ValueError:
        return ""


def _without_label(address: str) -> str:
    """SES delivers mail for `user+label@` to `user@` as well."""
    local, _, name = address.rpartition("@")
    return f"{local.partition('+')[0]}@{name}"
