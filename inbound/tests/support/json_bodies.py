"""Generated JSON objects that often have the fields of an endpoint."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXTS = st.text(max_size=40) | st.sampled_from(
    ["example.com", "a@example.com", "\x00", "\ud800", "co.uk", "xn--", "a" * 400]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=5
)


def any_object(*fields: str, **likely: Any) -> st.SearchStrategy[dict[str, Any]]:
    """`likely` fields get values of their own strategy as often as arbitrary ones."""
    known = dict.fromkeys(fields, VALUES) | {name: VALUES | values for name, values in likely.items()}
    return st.builds(
        lambda other, mine: other | mine,
        st.dictionaries(TEXTS, VALUES, max_size=3),
        st.fixed_dictionaries({}, optional=known),
    )
