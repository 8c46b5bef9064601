from __future__ import annotations

import pytest

from rest import ids


@pytest.mark.parametrize(
    ("make", "prefix"),
    [(ids.bare_id, ""), (ids.domain_id, "indm_"), (ids.dns_record_id, "dns_"), (ids.deletion_id, "del_")],
)
def test_an_id_has_a_prefix_and_21_characters(make, prefix):
    made = {make() for _ in range(100)}
    assert len(made) == 100
    for it in made:
        assert it.startswith(prefix)
        assert len(it) == len(prefix) + 21
        assert ids.is_id(it)


@pytest.mark.parametrize("text", ["", "a b", "a/b", "a.b", "a\n", "a\x00", "ä", "x" * 256, None, 5, ["x"]])
def test_other_texts_and_values_are_no_ids(text):
    assert not ids.is_id(text)
