"""What DELETE /domains/{id} would do, and how a client says that this is what it wants."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from domains.deletion_plan import build, render
from domains.deletion_plan.model import KIND
from domains.models import Domain, DomainDeletion
from rest.confirmation import GONE, Confirmation, outdated
from rest.lookup import ID, find
from rest.plan_token import Subject

NOT_FOUND = "Domain not found"


class DomainDeletionPlan(GenericAPIView[Domain]):
    def get(self, request: Request, pk: str) -> Response:
        """Asks S3 and DNS, within their time limits, and not SES."""
        domain = find(Domain.objects.live().owned_by(request.user).select_related("owner"), pk, NOT_FOUND)
        return Response(render.as_json(build.plan_of(domain)))


def dry_run(request: Request, pk: str, asked: Confirmation) -> Response:
    """The plan; 409 if it is not the one that is confirmed."""
    refuse_used(request, pk, asked)
    domain = find(Domain.objects.live().owned_by(request.user).select_related("owner"), pk, NOT_FOUND)
    plan = build.plan_of(domain)
    if asked.token not in (None, plan.token):
        raise outdated()
    return Response(render.as_json(plan))


def refuse_used(request: Request, pk: str, asked: Confirmation) -> None:
    """409 for a plan whose domain is gone or going: it was carried out, or somebody else was first."""
    if asked.token is None or not ID.fullmatch(pk):
        return
    user = cast(User, request.user)
    if Domain.objects.live().owned_by(user).filter(pk=pk).exists():
        return
    running = DomainDeletion.objects.pending().owned_by(user).filter(domain_id=pk).exists()
    if running or asked.token.is_of(Subject(KIND, pk, user.pk)):
        raise outdated(GONE)
