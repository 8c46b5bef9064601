"""Names of the greatest length that DNS allows. Every text that is made of them has to fit into its column."""

from __future__ import annotations

import pytest


def name_of(length: int) -> str:
    labels = "a" * 63 + "." + "b" * 63 + "." + "c" * 63 + "."
    return labels + "d" * (length - len(labels) - len(".e.com")) + ".e.com"


@pytest.mark.parametrize("length", [220, 240, 253])
def test_a_long_name_can_be_added_looked_at_and_deleted(api, ses, length):
    made = api.post("/api/v2/domains", {"domain": name_of(length)})
    assert made.status_code == 201, made.content
    path = f"/api/v2/domains/{made.json()['id']}"
    for read in (
        path,
        f"{path}?check=true",
        f"{path}/dns-records",
        f"{path}/deletion-plan",
        "/api/v2/domains?check=true",
    ):
        assert api.get(read).status_code == 200, read
    address = {"address": f"{'x' * 64}@{name_of(length)}", "domainId": made.json()["id"]}
    assert api.post("/api/v2/email-addresses", address).status_code == 201
    assert api.post(f"{path}/auth").status_code == 201
    assert api.patch(f"{path}/auth").status_code == 200
    assert api.delete(path).status_code == 200


def test_a_longer_name_is_refused(api, ses):
    answer = api.post("/api/v2/domains", {"domain": name_of(254)})
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid domain format")
