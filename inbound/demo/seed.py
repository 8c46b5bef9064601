"""Create the demo's account, domain and addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.contrib.auth.models import User

from addresses.services import create_address
from domains.lifecycle.register import add_domain
from domains.models import Domain
from endpoints.models import Endpoint
from endpoints.services import create_endpoint, update_endpoint
from inbound.demo.environment import DemoEnvironment
from inbound.models import ApiKey, hash_key, issue_key
from ses_integration.api import shared_deadline

USER = "admin"
DOMAIN = "example.com"
FORWARDED = "forward@example.com"
ADDRESSES = ["hello@example.com", "support@example.com", "sales@example.com", FORWARDED]
WEBHOOK, FORWARD = "Demo webhook", "Demo forward"
FORWARD_TO = "you@example.net"
# What the webhook has been since its first version. Any other URL is somebody's own.
_OUR_URLS = re.compile(r"https://example\.com/webhook|http://127\.0\.0\.1:\d+/_hooks/demo")


@dataclass(frozen=True, slots=True)
class Account:
    password: str
    key: str


def seed(demo: DemoEnvironment) -> Account:
    """Create what is missing. Does not wait for SES: the worker, which starts later, updates it."""
    password = demo.secret("admin_password")
    with shared_deadline(0):
        owner = _owner(password)
        key = _key(demo, owner)
        endpoints = {FORWARDED: _forward(owner)}
        webhook = _webhook(owner, demo.hook_url)
        domain = Domain.objects.live().owned_by(owner).filter(name=DOMAIN).first()
        if domain is None:
            domain = add_domain(owner=owner, name=DOMAIN).domain
        known = set(domain.email_addresses.values_list("address", flat=True))
        for address in ADDRESSES:
            if address not in known:
                create_address(domain=domain, address=address, endpoint_id=endpoints.get(address, webhook).pk)
    return Account(password, key)


def _owner(password: str) -> User:
    owner = User.objects.filter(username=USER).first()
    if owner is None:
        return User.objects.create_superuser(USER, "admin@example.com", password)
    if not owner.check_password(password):
        # The printed password must work even if somebody has changed it.
        owner.set_password(password)
        owner.save(update_fields=["password"])
    return owner


def _key(demo: DemoEnvironment, owner: User) -> str:
    """The API key. The database has only its hash, so the demo's folder keeps the key itself."""
    key = demo.stored_secret("api_key")
    if key and ApiKey.objects.usable().filter(owner=owner, key_hash=hash_key(key)).exists():
        return key
    _, key = issue_key(owner=owner, name="Demo")
    demo.store_secret("api_key", key)
    return key


def _webhook(owner: User, url: str) -> Endpoint:
    """The endpoint of the addresses, at the emulator of this run."""
    found = Endpoint.objects.owned_by(owner).filter(name=WEBHOOK, type=Endpoint.Type.WEBHOOK).first()
    if found is None:
        return create_endpoint(owner=owner, name=WEBHOOK, endpoint_type="webhook", config={"url": url})
    if found.config["url"] != url and _OUR_URLS.fullmatch(found.config["url"]):
        return update_endpoint(endpoint=found, config={**found.config, "url": url})
    return found


def _forward(owner: User) -> Endpoint:
    return Endpoint.objects.owned_by(owner).filter(name=FORWARD).first() or create_endpoint(
        owner=owner, name=FORWARD, endpoint_type="email", config={"forwardTo": FORWARD_TO}
    )
