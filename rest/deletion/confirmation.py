"""Query parameters of DELETE: `dry_run=true`, `plan=TOKEN` (docs/api/plans.md, "Confirming a plan") and `permanent=true`.

They are strict: a slip (`dryRun=true`, a plan in the body) is 400 and deletes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from rest.deletion.plan_token import OtherSortOfPlan, PlanOutdated, PlanToken
from rest.errors import Conflict

DRY_RUN, PLAN, PERMANENT = "dry_run", "plan", "permanent"
OUTDATED = (
    "The plan has changed since this token was made. Fetch the deletion plan again, look at it, and use its token."
)
# By what the deletion asks for: whether it is permanent.
OTHER_SORT = {
    True: (
        "This token is of a plan with a grace period. Fetch the plan of a permanent deletion (permanent=true, or "
        "plan_delete --permanent), look at it, and use its token."
    ),
    False: (
        "This token is of a plan without a grace period. Delete with permanent=true (--permanent), or fetch the plan with "
        "a grace period, look at it, and use its token."
    ),
}
NOT_IN_BODY = (
    f"DELETE reads no body: {DRY_RUN}=true, {PLAN}=TOKEN and {PERMANENT}=true belong in the query. Nothing was deleted."
)
GONE = "What this plan was about has been deleted, or is being deleted. A plan's token is good for one deletion."


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a DELETE asks for. `token` is None if the client confirms no plan. `permanent`: without a grace period."""

    dry_run: bool
    token: PlanToken | None
    permanent: bool


def read_confirmation(request: Request) -> Confirmation:
    """Read the parameters of a DELETE. Raises ValidationError for a slip."""
    refuse_in_body(request)
    return _in_query(request)


def why_outdated(error: PlanOutdated) -> str:
    """The sentence for a token that is refused."""
    return OTHER_SORT[error.permanent] if isinstance(error, OtherSortOfPlan) else OUTDATED


def plan_outdated(sentence: str = OUTDATED) -> Conflict:
    """The error to raise for an outdated token: 409 with the code `PLAN_OUTDATED`."""
    return Conflict({"error": sentence, "code": "PLAN_OUTDATED"})


def refuse_in_body(request: Request) -> None:
    """Refuse a dry run or plan in the body of a DELETE. Ignore other members: some clients send a body with every request."""
    if any(_resembles_parameter(name) for name in request.data):
        raise ValidationError(NOT_IN_BODY)


def _resembles_parameter(name: str) -> bool:
    return "".join(filter(str.isalnum, name.lower())) in ("dryrun", "plan", "token", "plantoken", "permanent")


def _in_query(request: Request) -> Confirmation:
    dry_run, plan, permanent = _flag(request, DRY_RUN), _single(request, PLAN), _flag(request, PERMANENT)
    if plan is None:
        return Confirmation(dry_run, None, permanent)
    try:
        return Confirmation(dry_run, PlanToken.read(plan), permanent)
    except ValueError as error:
        raise ValidationError(
            f"{PLAN} is not the token of a deletion plan. Fetch the plan, and use its token as it is."
        ) from error


def _flag(request: Request, name: str) -> bool:
    text = _single(request, name)
    if text not in (None, "true", "false"):
        raise ValidationError(f"{name} must be true or false. Nothing was deleted.")
    return text == "true"


def _single(request: Request, name: str) -> str | None:
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise ValidationError(f"{name} is given more than once. Nothing was deleted.")
    return values[0] if values else None
