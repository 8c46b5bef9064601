"""Rules of the state machine that change rows: through the API, the admin's services and the ORM."""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st

from addresses.deletion import delete_addresses
from addresses.models import EmailAddress
from domains.models import Domain, DomainDeletion
from domains.names import domain_of
from inbound.tests.life.invariants import Invariants
from inbound.tests.life.machine import (
    LOCALS,
    NAMES,
    SHORT_BUDGET,
    Mode,
    locals_,
    modes,
    names,
    owners,
    picks,
    step,
)
from inbound.tests.life.rows import TrackedDomain, identity_is_recorded
from inbound.tests.support.factories import EndpointFactory

WITHOUT_WAITING = Mode(waits=False)


class Operations(Invariants):
    """Each rule checks the status of the answer, and notes what the answer says is gone."""

    def __init__(self, *surroundings: Any) -> None:
        super().__init__(*surroundings)
        started = time.monotonic()
        self._address(NAMES[0], LOCALS[0])
        self.budget = max(SHORT_BUDGET, 2 * (time.monotonic() - started))
        self.read_journal()

    @step(owner=owners, name=names, mode=modes)
    def add_domain(self, owner: int, name: str, mode: Mode) -> None:
        taken = self._taken()
        others = [other for other, theirs in taken.items() if theirs.owner != owner and are_related(other, name)]
        expected = 409 if name in taken or others else 201
        if expected == 201:
            self.identity_reported_gone.discard(name)
        answer = self.call_api(owner, "post", "/domains", {"domain": name}, mode)
        assert answer.status_code == expected, answer.json()
        if expected == 201:
            self._track(name, owner, answer.json()["id"])
            return
        # Only its owner is told that it can be restored.
        restorable = name in self.held.keys() & taken.keys() and taken[name].owner == owner
        assert ("deletionId" in answer.json()) == restorable, answer.json()

    @step(name=names, mode=modes)
    def delete_domain(self, name: str, mode: Mode) -> None:
        tracked = self._tracked(name)
        answer = self.call_api(tracked.owner, "delete", f"/domains/{tracked.pk}", None, mode)
        assert answer.status_code == 200
        del self.tracked_domains[name]
        assert answer.json()["deletedResources"]["emailAddresses"] == len(tracked.addresses)
        self._note_deletion(name, answer.json())

    @step(pick=picks, mode=modes)
    def delete_domain_again(self, pick: int, mode: Mode) -> None:
        records = list(DomainDeletion.objects.pending().order_by("started_at", "name"))
        if not records:
            return
        record = records[pick % len(records)]
        owner = next(number for number, user in enumerate(self.users) if user.pk == record.owner_id)
        answer = self.call_api(owner, "delete", f"/domains/{record.domain_id}", None, mode)
        assert answer.status_code == 200
        # An older report speaks of an earlier domain of this name, and not of what SES holds for the last one.
        if self.last_domains[record.name] == record.domain_id:
            self._note_deletion(record.name, answer.json())

    @step(name=names)
    def kill_deletion_after_first_transaction(self, name: str) -> None:
        tracked = self._tracked(name)
        self.work(WITHOUT_WAITING)
        with transaction.atomic():
            row = Domain.objects.get(pk=tracked.pk)
            DomainDeletion.objects.create(domain_id=row.pk, name=name, owner_id=row.owner_id)
            row.deleting_since = timezone.now()
            row.save(update_fields=["deleting_since"])
        del self.tracked_domains[name]

    @step(name=names, local=locals_, active=st.sampled_from([True, True, True, False]), mode=modes)
    def add_address(self, name: str, local: str, active: bool, mode: Mode) -> None:
        tracked = self._tracked(name)
        address = f"{local}@{name}"
        expected = 409 if address in tracked.addresses else 201
        if active and expected == 201:
            self.reported_gone.discard(address)
        body = {"address": address, "domainId": tracked.pk, "isActive": active}
        answer = self.call_api(tracked.owner, "post", "/email-addresses", body, mode)
        assert answer.status_code == expected, answer.json()
        if expected == 201:
            tracked.addresses[address] = active
            tracked.tombstones.pop(address, None)

    @step(name=names, local=locals_, mode=modes)
    def delete_address(self, name: str, local: str, mode: Mode) -> None:
        row = self._address(name, local)
        answer = self.call_api(self.tracked_domains[name].owner, "delete", f"/email-addresses/{row.pk}", None, mode)
        assert answer.status_code == 200
        del self.tracked_domains[name].addresses[row.address]
        cleanup = answer.json()["cleanup"]
        assert cleanup["sesRuleUpdated"] != ("warning" in cleanup)
        if cleanup["sesRuleUpdated"]:
            self._note_gone(row.address)

    @step(name=names, local=locals_, mode=modes)
    def switch_activity(self, name: str, local: str, mode: Mode) -> None:
        row = self._address(name, local)
        active = not row.is_active
        if active:
            self.reported_gone.discard(row.address)
        path = f"/email-addresses/{row.pk}"
        answer = self.call_api(self.tracked_domains[name].owner, "put", path, {"isActive": active}, mode)
        assert answer.status_code == 200
        self.tracked_domains[name].addresses[row.address] = active
        if not active and "warning" not in answer.json():
            self._note_gone(row.address)

    @step(of=st.lists(st.tuples(names, locals_), min_size=2, max_size=3, unique=True), mode=modes)
    def delete_addresses_of_several_domains(self, of: list[tuple[str, str]], mode: Mode) -> None:
        rows = [self._address(name, local) for name, local in of]
        self.work(mode)
        outcomes = delete_addresses(rows)
        for row in rows:
            del self.tracked_domains[domain_of(row.address)].addresses[row.address]
            if outcomes[row.pk].removed_from_ses:
                self._note_gone(row.address)

    @step(name=names, on=st.booleans(), mode=modes)
    def switch_catch_all(self, name: str, on: bool, mode: Mode) -> None:
        tracked = self._tracked(name)
        verified = Domain.objects.get(pk=tracked.pk).status == Domain.Status.VERIFIED
        endpoint = self.endpoints[tracked.owner][0] if on and self.endpoints[tracked.owner] else None
        expected = 400 if on and not (verified and endpoint) else 200
        if on and expected == 200:
            self.reported_gone.discard(name)
        body = {"isCatchAllEnabled": on, "catchAllEndpointId": endpoint}
        answer = self.call_api(tracked.owner, "put", f"/domains/{tracked.pk}", body, mode)
        assert answer.status_code == expected, answer.json()
        if expected == 200:
            tracked.catch_all = endpoint
            if not on and "awsConfigurationWarning" not in answer.json():
                self._note_gone(name)

    @step(owner=owners, mode=modes)
    def delete_endpoint(self, owner: int, mode: Mode) -> None:
        """Delete an endpoint, or create one if there is none."""
        if not self.endpoints[owner]:
            self.endpoints[owner].append(EndpointFactory(owner=self.users[owner]).pk)
            return
        endpoint = self.endpoints[owner].pop()
        answer = self.call_api(owner, "delete", f"/endpoints/{endpoint}", None, mode)
        assert answer.status_code == 200
        for tracked in (held.tracked for held in self.held.values()):
            if tracked.catch_all == endpoint:
                tracked.catch_all = None
        for name, tracked in self.tracked_domains.items():
            if tracked.catch_all == endpoint:
                tracked.catch_all = None
                if "warning" not in answer.json():
                    self._note_gone(name)

    @step(name=names, local=locals_)
    def a_stranger_tries_every_endpoint(self, name: str, local: str) -> None:
        row = self._address(name, local)
        tracked = self.tracked_domains[name]
        new = {"address": f"stranger@{name}", "domainId": tracked.pk}
        for method, path, body in (
            ("delete", f"/domains/{tracked.pk}", None),
            ("delete", f"/email-addresses/{row.pk}", None),
            ("put", f"/domains/{tracked.pk}", {"isCatchAllEnabled": False}),
            ("put", f"/email-addresses/{row.pk}", {"isActive": False}),
            ("post", "/email-addresses", new),
        ):
            assert self.call_api(1 - tracked.owner, method, path, body, WITHOUT_WAITING).status_code == 404

    @step(name=names, everything=st.booleans(), mode=modes)
    def delete_with_orm(self, name: str, everything: bool, mode: Mode) -> None:
        """Delete a domain, or only its addresses."""
        tracked = self._tracked(name)
        self.work(mode)
        if everything:
            Domain.objects.filter(pk=tracked.pk).delete()
            del self.tracked_domains[name]
        else:
            EmailAddress.objects.filter(domain_id=tracked.pk).delete()
            tracked.addresses.clear()

    def _tracked(self, name: str) -> TrackedDomain:
        """The domain as tracked. Adds it without faults if it is missing, so that every step does something."""
        if name not in self.tracked_domains:
            owner = next((tracked.owner for other, tracked in self._taken().items() if are_related(other, name)), 0)
            self.identity_reported_gone.discard(name)
            answer = self.call_api(owner, "post", "/domains", {"domain": name, "startAfresh": True})
            self._track(name, owner, answer.json()["id"])
        return self.tracked_domains[name]

    def _taken(self) -> dict[str, TrackedDomain]:
        """The domains that hold their names: the live ones, and deleted ones whose grace period lasts."""
        return {**{name: held.tracked for name, held in self.held.items() if not held.over}, **self.tracked_domains}

    def _address(self, name: str, local: str) -> EmailAddress:
        """The row of the address. Adds it, active, if it is missing."""
        tracked, address = self._tracked(name), f"{local}@{name}"
        if address not in tracked.addresses:
            self.reported_gone.discard(address)
            body = {"address": address, "domainId": tracked.pk}
            assert self.call_api(tracked.owner, "post", "/email-addresses", body).status_code == 201
            tracked.addresses[address] = True
            tracked.tombstones.pop(address, None)
        return EmailAddress.objects.get(address=address)

    def _track(self, name: str, owner: int, pk: str) -> None:
        self.tracked_domains[name] = TrackedDomain(owner, pk)
        self.held.pop(name, None)
        self.last_domains[name] = pk

    def _note_gone(self, recipient: str) -> None:
        self.note(f"SES is reported to hold no {recipient}")
        self.reported_gone.add(recipient)

    def _note_deletion(self, name: str, body: dict) -> None:
        resources = body["deletedResources"]
        if resources["sesReceiptRules"] and name not in self.tracked_domains:
            self._note_gone(name)
            for local in LOCALS:
                self._note_gone(f"{local}@{name}")
        # An identity that somebody else created since the product looked last is not what the answer is about.
        unseen = name in self.foreign_identities and not identity_is_recorded(name)
        if resources["sesIdentity"] and name not in self.tracked_domains and not unseen:
            self.note(f"SES is reported to hold no identity {name}")
            self.identity_reported_gone.add(name)


def are_related(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
