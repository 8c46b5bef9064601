"""Each trace runs on ours, where it must pass, and on the variant that it refutes, where its claim must break.

The variants are mutants, not mocks: wrong code in the place of exactly the code of ours that differs. They prove that a
trace can tell the difference, and nothing else ever runs on one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps

import pytest

Variant = Callable[[], AbstractContextManager[None]]
Trace = Callable[..., None]

# By the number in the protocol's table: the variants that a trace refutes.
REFUTED: dict[int, set[str]] = {}


class ClaimBroken(AssertionError):
    """What the protocol promises at this point of the trace does not hold."""


@contextmanager
def claim(sentence: str) -> Iterator[None]:
    """Around the assertion that a variant must break. All others are of the trace itself, and hold on variants as well."""
    try:
        yield
    except AssertionError as error:
        raise ClaimBroken(sentence) from error


def counterexample(number: int, *variants: Variant) -> Callable[[Trace], Trace]:
    """The trace refutes `variants` of the protocol's table, row `number`: it is run once on ours and once on each."""

    def both_ways(trace: Trace) -> Trace:
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
        return pytest.mark.parametrize("variant", [None, *variants], ids=["ours", *names])(test)

    return both_ways


@contextmanager
def instead(where: object, **wrong: object) -> Iterator[None]:
    """Put wrong code in the place of these names of ours, which must exist."""
    with pytest.MonkeyPatch.context() as patch:
        for name, replacement in wrong.items():
            patch.setattr(where, name, replacement)
        yield
