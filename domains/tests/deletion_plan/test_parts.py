"""The text of plans."""

from __future__ import annotations

import pytest

from domains.deletion_plan.parts import as_text
from rest.deletion.plan import Part, Plan
from rest.deletion.plan_token import Subject


class SomePlan(Plan):
    certain = True

    def parts(self) -> list[Part]:
        return [Part("", ["first"]), Part("Empty", []), Part("Rows", ["a", "b"])]


class UncertainPlan(SomePlan):
    certain = False


@pytest.mark.parametrize(
    ("plan", "end"),
    [
        (SomePlan, ""),
        (
            UncertainPlan,
            "\n\nNot all of this is certain: what is unconfirmed or could not be looked up is marked above.",
        ),
    ],
)
def test_parts_without_lines_are_left_out_of_the_text(plan, end):
    text = as_text("example.com", plan(Subject("domain", "1", 1), None, None, None))
    lines = "- first\n\nRows:\n- a\n- b"
    assert text == f"Plan for deleting example.com. Nothing has been changed.\n\n{lines}{end}"
