"""Run each trace on the real code, where it must pass, and on the wrong variants that it refutes, where its claim must break.

A variant is a mutant: wrong code in place of the real code. It proves that the trace can tell the difference.
docs/architecture/protocol.md, "Counterexamples", has the table of variants.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps

import pytest

Variant = Callable[[], AbstractContextManager[None]]
Trace = Callable[..., None]

# The variants that a trace refutes, by their number in the table.
REFUTED: dict[int, set[str]] = {}


class ClaimBroken(AssertionError):
    """The trace's claim does not hold."""


@contextmanager
def claim(sentence: str) -> Iterator[None]:
    """Wrap the assertion that a variant must break. The other assertions of a trace hold on variants as well."""
    try:
        yield
    except AssertionError as error:
        raise ClaimBroken(sentence) from error


def counterexample(number: int, *variants: Variant) -> Callable[[Trace], Trace]:
    """Run the test once on the real code and once on each of the `variants`, row `number` of the table."""

    def run_on_all(trace: Trace) -> Trace:
        @wraps(trace)
        def test(variant: Variant | None, **fixtures: object) -> None:
            if variant is None:
                trace(**fixtures)
            else:
                with pytest.raises(ClaimBroken), variant():
                    trace(**fixtures)

        asked = inspect.signature(trace)
        variant = inspect.Parameter("variant", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        test.__signature__ = asked.replace(parameters=[variant, *asked.parameters.values()])  # type: ignore[attr-defined]
        names = [variant.__name__ for variant in variants]
        REFUTED.setdefault(number, set()).update(names)
        return pytest.mark.parametrize("variant", [None, *variants], ids=["real", *names])(test)

    return run_on_all


@contextmanager
def patched(where: object, **wrong: object) -> Iterator[None]:
    """Replace existing names of `where` with wrong code."""
    with pytest.MonkeyPatch.context() as patch:
        for name, replacement in wrong.items():
            patch.setattr(where, name, replacement)
        yield
