"""Endpoints that depend on a domain or an address."""

from __future__ import annotations

from random import Random
from string import ascii_lowercase

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from domains.dependents import dependents_of, uses_of
from domains.names import domain_of
from endpoints.models import Endpoint
from inbound.tests.support.factories import DomainFactory

ADDRESSES = ["a@example.com", "a@xn--bcher-kva.example.com"]
UNICODE = "a@bücher.example.com"
BEFORE = ["", "Me <", '"Me" <', '"M@e" <', "(x) ", "<@b.org:", "b@", "é <"]
AFTER = ["", ">", ".", ".>", "..", " ", "\t", "> (x)", "x", ".org", ", b@example.org"]
# Full-width letters and other dots, soft hyphen, Kelvin sign, comments, and characters that JSON escapes.
INSERTED = ["(x)", '"x"', *" \t\\\xad\x7f。\uff0e\uff45\uff41\u212a@<_."]


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """One of the addresses as people may write it, or nearly."""
    text = draw(st.sampled_from([*ADDRESSES, UNICODE]))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text) - 1))
        replaced = draw(st.just(text[place].upper()) | st.sampled_from(INSERTED))
        text = text[:place] + replaced + text[place + draw(st.integers(0, 1)) :]
    return draw(st.sampled_from(BEFORE)) + text + draw(st.sampled_from(AFTER))


@pytest.mark.postgresql
@hypothesis_settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(["A@Example.COM"])
@example(["a@example.com."])
@example(["a@ example.com "])
@example(["a@example。com"])
@example(["a@\texample.com"])
@example(["Me <a@exa mple.com>"])
@example(["Me <a@exa(x)mple.com>"])
@example(["a@" + "".join(Random(1).choices(ascii_lowercase, k=8000))])
@given(st.lists(spellings(), min_size=1, max_size=2))
def test_the_index_finds_all_dependent_endpoints(user, ses, written):
    """Each endpoint has a twin with a note because of which the index always returns it."""
    Endpoint.objects.all().delete()
    configs = [
        ("email", {"forwardTo": written[0]}),
        ("email", {"forwardTo": "b@example.org", "fromAddress": written[0]}),
        ("email_group", {"emails": written}),
    ]
    notes = {"plain": "x", "noted": "@é (\\"}
    Endpoint.objects.bulk_create(
        Endpoint(owner=user, name=f"{number} {name}", type=kind, config={**config, "note": note})
        for number, (kind, config) in enumerate(configs)
        for name, note in notes.items()
    )
    for address in ADDRESSES:
        domain = DomainFactory.build(owner=user, name=domain_of(address))
        for dependents in (dependents_of(domain, address), uses_of(domain)):
            names = [dependent.name.split() for dependent in dependents]
            numbers = {name: {number for number, other in names if other == name} for name in notes}
            assert numbers["plain"] == numbers["noted"]
