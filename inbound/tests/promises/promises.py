"""The ids of the promises that two published pages make about deletion. `docs/promises.md` says what each one means."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., None])

DELETE_DOMAIN = (
    "domain-bearer-token",
    "domain-owner-only",
    "domain-everything-removed",
    "domain-order",
    "domain-rules-removed",
    "domain-mail-stops",
    "domain-identity-removed",
    "domain-children-removed",
    "domain-emails-erased",
    "domain-mail-erased",
    "domain-permanent",
    "domain-despite-aws",
    "domain-no-manual-cleanup",
    "domain-answer",
    "domain-can-be-added-again",
    "domain-settings-forgotten",
    "domain-dns-untouched",
    "domain-redirect-first",
    "domain-shared-access",
)

DELETE_ADDRESS = (
    "address-bearer-token",
    "address-owner-only",
    "address-order",
    "address-active-others",
    "address-removed-from-rule",
    "address-last-removes-rule",
    "address-catch-all-stays",
    "address-others-unaffected",
    "address-domain-unaffected",
    "address-mail-stops",
    "address-permanent",
    "address-can-be-created-again",
    "address-answer",
    "address-confirmed",
    "address-warning",
    "address-despite-aws",
    "address-no-manual-cleanup",
    "address-before",
    "address-after",
    "address-forwarding",
)

NOTHING_TO_TEST = (
    "domain-billing",
    "domain-export-first",
    "domain-usage-first",
)


def keeps(*promises: str) -> Callable[[Test], Test]:
    """Decorate a test that shows that these promises are kept."""

    def note(test: Test) -> Test:
        test.promises = promises  # type: ignore[attr-defined]
        return test

    return note


def kept_by(module: ModuleType) -> dict[str, tuple[str, ...]]:
    """The promises that each test of the module shows, by the test's name."""
    tests = {name: test for name, test in vars(module).items() if name.startswith("test_")}
    return {name: getattr(test, "promises", ()) for name, test in tests.items()}
