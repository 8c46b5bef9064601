"""The doors to the rows: the API, the services behind the admin's lists, and the shell."""

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
from inbound.tests.factories import EndpointFactory
from inbound.tests.life.rows import Life
from inbound.tests.life.truths import Truths
from inbound.tests.life.world import (
    LOCALS,
    NAMES,
    PATIENT_SECONDS,
    Manner,
    locals_,
    manners,
    names,
    owners,
    picks,
    step,
)

IN_A_HURRY = Manner(patient=False)


class Doors(Truths):
    """Each rule checks the answer's status against what the API was told before, and notes what it promises."""

    def __init__(self, *surroundings: Any) -> None:
        super().__init__(*surroundings)
        begun = time.monotonic()
        self._address(NAMES[0], LOCALS[0])
        self.patience = max(PATIENT_SECONDS, 2 * (time.monotonic() - begun))
        self.read_journal()

    @step(owner=owners, name=names, manner=manners)
    def add_domain(self, owner: int, name: str, manner: Manner) -> None:
        life = self.lives.get(name)
        others = [other for other, theirs in self.lives.items() if theirs.owner != owner and _related(other, name)]
        expected = 409 if life or others else 201
        if expected == 201:
            self.identity_gone.discard(name)
        answer = self.ask(owner, "post", "/domains", {"domain": name}, manner)
        assert answer.status_code == expected, answer.json()
        if expected == 201:
            self.lives[name] = Life(owner, answer.json()["id"])

    @step(name=names, manner=manners)
    def delete_domain(self, name: str, manner: Manner) -> None:
        life = self._life(name)
        answer = self.ask(life.owner, "delete", f"/domains/{life.pk}", None, manner)
        assert answer.status_code == 200
        del self.lives[name]
        assert answer.json()["deletedResources"]["emailAddresses"] == len(life.addresses)
        self._note_deletion(name, answer.json())

    @step(pick=picks, manner=manners)
    def delete_domain_a_second_time(self, pick: int, manner: Manner) -> None:
        records = list(DomainDeletion.objects.pending().order_by("started_at", "name"))
        if not records:
            return
        record = records[pick % len(records)]
        owner = next(number for number, user in enumerate(self.users) if user.pk == record.owner_id)
        answer = self.ask(owner, "delete", f"/domains/{record.domain_id}", None, manner)
        assert answer.status_code == 200
        self._note_deletion(record.name, answer.json())

    @step(name=names)
    def deletion_dies_after_its_first_transaction(self, name: str) -> None:
        life = self._life(name)
        self.work(IN_A_HURRY)
        with transaction.atomic():
            row = Domain.objects.get(pk=life.pk)
            DomainDeletion.objects.create(domain_id=row.pk, name=name, owner_id=row.owner_id)
            row.deleting_since = timezone.now()
            row.save(update_fields=["deleting_since"])
        del self.lives[name]

    @step(name=names, local=locals_, active=st.sampled_from([True, True, True, False]), manner=manners)
    def add_address(self, name: str, local: str, active: bool, manner: Manner) -> None:
        life = self._life(name)
        address = f"{local}@{name}"
        expected = 409 if address in life.addresses else 201
        if active and expected == 201:
            self.gone.discard(address)
        body = {"address": address, "domainId": life.pk, "isActive": active}
        answer = self.ask(life.owner, "post", "/email-addresses", body, manner)
        assert answer.status_code == expected, answer.json()
        if expected == 201:
            life.addresses[address] = active

    @step(name=names, local=locals_, manner=manners)
    def delete_address(self, name: str, local: str, manner: Manner) -> None:
        row = self._address(name, local)
        answer = self.ask(self.lives[name].owner, "delete", f"/email-addresses/{row.pk}", None, manner)
        assert answer.status_code == 200
        del self.lives[name].addresses[row.address]
        cleanup = answer.json()["cleanup"]
        assert cleanup["sesRuleUpdated"] != ("warning" in cleanup)
        if cleanup["sesRuleUpdated"]:
            self._promise(row.address)

    @step(name=names, local=locals_, manner=manners)
    def flip_activity(self, name: str, local: str, manner: Manner) -> None:
        row = self._address(name, local)
        active = not row.is_active
        if active:
            self.gone.discard(row.address)
        path = f"/email-addresses/{row.pk}"
        answer = self.ask(self.lives[name].owner, "put", path, {"isActive": active}, manner)
        assert answer.status_code == 200
        self.lives[name].addresses[row.address] = active
        if not active and "warning" not in answer.json():
            self._promise(row.address)

    @step(of=st.lists(st.tuples(names, locals_), min_size=2, max_size=3, unique=True), manner=manners)
    def delete_addresses_of_several_domains(self, of: list[tuple[str, str]], manner: Manner) -> None:
        rows = [self._address(name, local) for name, local in of]
        self.work(manner)
        outcomes = delete_addresses(rows)
        for row in rows:
            del self.lives[domain_of(row.address)].addresses[row.address]
            if outcomes[row.pk].removed_from_ses:
                self._promise(row.address)

    @step(name=names, on=st.booleans(), manner=manners)
    def switch_catch_all(self, name: str, on: bool, manner: Manner) -> None:
        life = self._life(name)
        verified = Domain.objects.get(pk=life.pk).status == Domain.Status.VERIFIED
        endpoint = self.endpoints[life.owner][0] if on and self.endpoints[life.owner] else None
        expected = 400 if on and not (verified and endpoint) else 200
        if on and expected == 200:
            self.gone.discard(name)
        body = {"isCatchAllEnabled": on, "catchAllEndpointId": endpoint}
        answer = self.ask(life.owner, "put", f"/domains/{life.pk}", body, manner)
        assert answer.status_code == expected, answer.json()
        if expected == 200:
            life.catch_all = endpoint
            if not on and "awsConfigurationWarning" not in answer.json():
                self._promise(name)

    @step(owner=owners, manner=manners)
    def delete_endpoint(self, owner: int, manner: Manner) -> None:
        """Or make one, if there is none."""
        if not self.endpoints[owner]:
            self.endpoints[owner].append(EndpointFactory(owner=self.users[owner]).pk)
            return
        endpoint = self.endpoints[owner].pop()
        answer = self.ask(owner, "delete", f"/endpoints/{endpoint}", None, manner)
        assert answer.status_code == 200
        for name, life in self.lives.items():
            if life.catch_all == endpoint:
                life.catch_all = None
                if "warning" not in answer.json():
                    self._promise(name)

    @step(name=names, local=locals_)
    def a_stranger_tries_every_door(self, name: str, local: str) -> None:
        row = self._address(name, local)
        life = self.lives[name]
        new = {"address": f"stranger@{name}", "domainId": life.pk}
        for method, path, body in (
            ("delete", f"/domains/{life.pk}", None),
            ("delete", f"/email-addresses/{row.pk}", None),
            ("put", f"/domains/{life.pk}", {"isCatchAllEnabled": False}),
            ("put", f"/email-addresses/{row.pk}", {"isActive": False}),
            ("post", "/email-addresses", new),
        ):
            assert self.ask(1 - life.owner, method, path, body, IN_A_HURRY).status_code == 404

    @step(name=names, everything=st.booleans(), manner=manners)
    def delete_in_a_shell(self, name: str, everything: bool, manner: Manner) -> None:
        """A domain, or only its addresses."""
        life = self._life(name)
        self.work(manner)
        if everything:
            Domain.objects.filter(pk=life.pk).delete()
            del self.lives[name]
        else:
            EmailAddress.objects.filter(domain_id=life.pk).delete()
            life.addresses.clear()

    def _life(self, name: str) -> Life:
        """The domain's life; begun in peace if there is none, so that no step is for nothing."""
        if name not in self.lives:
            owner = next((life.owner for other, life in self.lives.items() if _related(other, name)), 0)
            self.identity_gone.discard(name)
            answer = self.ask(owner, "post", "/domains", {"domain": name})
            self.lives[name] = Life(owner, answer.json()["id"])
        return self.lives[name]

    def _address(self, name: str, local: str) -> EmailAddress:
        """The address's row; added and active if there is none."""
        life, address = self._life(name), f"{local}@{name}"
        if address not in life.addresses:
            self.gone.discard(address)
            body = {"address": address, "domainId": life.pk}
            assert self.ask(life.owner, "post", "/email-addresses", body).status_code == 201
            life.addresses[address] = True
        return EmailAddress.objects.get(address=address)

    def _promise(self, recipient: str) -> None:
        self.note(f"SES is said to hold no {recipient}")
        self.gone.add(recipient)

    def _note_deletion(self, name: str, body: dict) -> None:
        resources = body["deletedResources"]
        if resources["sesReceiptRules"] and name not in self.lives:
            self._promise(name)
            for local in LOCALS:
                self._promise(f"{local}@{name}")
        if resources["sesIdentity"] and name not in self.lives:
            self.note(f"SES is said to hold no identity {name}")
            self.identity_gone.add(name)


def _related(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
