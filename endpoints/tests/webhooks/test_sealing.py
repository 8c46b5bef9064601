from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endpoints.webhooks.sealing import Unreadable, reseal, seal, unseal

pytestmark = pytest.mark.sqlite_only

SECRET = "whsec_c2hvcnQ="


@given(st.text())
def test_a_sealed_text_comes_back(text):
    assert unseal(seal(text)) == text


def test_a_sealed_text_shows_nothing_and_differs_each_time():
    assert SECRET not in seal(SECRET)
    assert seal(SECRET) != seal(SECRET)


def test_a_new_secret_key_reads_what_the_earlier_one_sealed(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "old", []
    sealed = seal(SECRET)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["other", "old"]
    assert unseal(sealed) == SECRET
    again = reseal(sealed)
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(again) == SECRET
    for attempt in (unseal, reseal):
        with pytest.raises(Unreadable, match="SECRET_KEY has changed"):
            attempt(sealed)


def test_a_changed_text_is_not_read():
    sealed = seal(SECRET)
    with pytest.raises(Unreadable):
        unseal(sealed[:-5] + ("A" if sealed[-5] != "A" else "B") + sealed[-4:])
