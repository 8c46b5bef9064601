"""What a DELETE may carry in its query: `plan=TOKEN` and `dry_run=true`. A slip of the pen must not delete."""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from rest.errors import Conflict
from rest.plan_token import PlanToken

DRY_RUN, PLAN = "dry_run", "plan"
OUTDATED = (
    "The plan has changed since this token was made. Fetch the deletion plan again, look at it, and use its token."
)
NOT_IN_BODY = f"DELETE reads no body: {DRY_RUN}=true and {PLAN}=TOKEN belong in the query. Nothing was deleted."
GONE = "What this plan was about has been deleted, or is being deleted. A plan's token is good for one deletion."


@dataclass(frozen=True, slots=True)
class Confirmation:
    """`token` is None where the client confirms no plan."""

    dry_run: bool
    token: PlanToken | None


def confirmation(request: Request) -> Confirmation:
    """Of a DELETE. Raises ValidationError for anything that may have been meant as one of the two and is not."""
    _refuse_in_body(request)
    return _in_query(request)


def refuse_plan(request: Request, sentence: str) -> None:
    """For what deletes without a plan: raises ValidationError where one is asked for or confirmed all the same."""
    asked = _in_query(request)
    if asked.dry_run or asked.token:
        raise ValidationError(sentence)


def unplanned(request: Request, what: str) -> None:
    """The same for a DELETE. `what` is what there is no plan for, such as `an endpoint`."""
    _refuse_in_body(request)
    refuse_plan(request, f"There is no plan for deleting {what}, and no dry run. Nothing was deleted.")


def _refuse_in_body(request: Request) -> None:
    """A body of a DELETE is not read, and what else it says does no harm."""
    if any(_may_mean_one(name) for name in request.data):
        raise ValidationError(NOT_IN_BODY)


def _may_mean_one(name: str) -> bool:
    return "".join(filter(str.isalnum, name.lower())) in ("dryrun", "plan", "token", "plantoken")


def _in_query(request: Request) -> Confirmation:
    for name in request.query_params:
        if name not in (DRY_RUN, PLAN) and _may_mean_one(name):
            raise ValidationError(f"{name} is not a parameter of DELETE: use {DRY_RUN}=true or {PLAN}=TOKEN.")
    dry_run, plan = _once(request, DRY_RUN), _once(request, PLAN)
    if dry_run not in (None, "true", "false"):
        raise ValidationError(f"{DRY_RUN} must be true or false. Nothing was deleted.")
    if plan is None:
        return Confirmation(dry_run == "true", None)
    try:
        return Confirmation(dry_run == "true", PlanToken.read(plan))
    except ValueError as error:
        raise ValidationError(
            f"{PLAN} is not the token of a deletion plan. Fetch the plan, and use its token as it is."
        ) from error


def _once(request: Request, name: str) -> str | None:
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise ValidationError(f"{name} is there more than once. Nothing was deleted.")
    return values[0] if values else None


def outdated(sentence: str = OUTDATED) -> Conflict:
    return Conflict({"error": sentence, "code": "PLAN_OUTDATED"})
