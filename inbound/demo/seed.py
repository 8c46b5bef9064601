"""Create the demo's account, domain and addresses."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User

from addresses.services import create_address
from domains.lifecycle.register import add_domain
from domains.models import Domain
from endpoints.models import Endpoint
from endpoints.services import create_endpoint
from inbound.demo.environment import DemoEnvironment
from inbound.models import ApiKey, hash_key, issue_key
from ses_integration.api import shared_deadline

USER = "admin"
DOMAIN = "example.com"
# The printed example deletes it.
EXPENDABLE = "sales@example.com"
ADDRESSES = ["hello@example.com", "support@example.com", EXPENDABLE]


@dataclass(frozen=True, slots=True)
class Account:
    password: str
    key: str
    expendable_id: str


def seed(demo: DemoEnvironment) -> Account:
    """Create what is missing. Does not wait for SES: the worker, which starts later, updates it."""
    password = demo.secret("admin_password")
    with shared_deadline(0):
        owner = _owner(password)
        key = _key(demo, owner)
        endpoint = _endpoint(owner)
        domain = Domain.objects.live().owned_by(owner).filter(name=DOMAIN).first()
        if domain is None:
            domain = add_domain(owner=owner, name=DOMAIN).domain
        ids = dict(domain.email_addresses.values_list("address", "pk"))
        for address in ADDRESSES:
            if address not in ids:
                ids[address] = create_address(domain=domain, address=address, endpoint_id=endpoint.pk).address.pk
    return Account(password, key, ids[EXPENDABLE])


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


def _endpoint(owner: User) -> Endpoint:
    return Endpoint.objects.owned_by(owner).order_by("created_at").first() or create_endpoint(
        owner=owner, name="Demo webhook", endpoint_type="webhook", config={"url": "https://example.com/webhook"}
    )
