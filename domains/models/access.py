"""Access to domains of others, and querysets of rows that belong to domains."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When

from rest.access.roles import Deed, Role, at_least, roles_for
from rest.access.rows import OwnedQuerySet, has_shares

ALREADY_SHARED = "The domain is already shared with this account. Change the role of its access instead."

if TYPE_CHECKING:
    from domains.models.domain import Domain

Row = TypeVar("Row", bound=models.Model)


class DomainAccess(models.Model):
    """A domain that its owner shares with another account. The owner has no row here."""

    class Role(models.TextChoices):
        VIEWER = Role.VIEWER.value
        MANAGER = Role.MANAGER.value

    # The constraint below begins with the user.
    domain = models.ForeignKey("domains.Domain", on_delete=models.CASCADE, related_name="accesses")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="domain_accesses"
    )
    role = models.CharField(max_length=7, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "access"
        verbose_name_plural = "accesses"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "domain"],
                name="one_access_per_user_and_domain",
                violation_error_code="unique",
                violation_error_message=ALREADY_SHARED,
            ),
            models.CheckConstraint(condition=Q(role__in=["viewer", "manager"]), name="access_role"),
        ]

    def __str__(self) -> str:
        return f"{self.domain} for {self.user}"

    @classmethod
    def lock(cls, domains: Collection[str], member: Any, deed: Deed) -> list[Domain]:
        """Lock the live ones of these domains where a member may still do this, and their access, until the transaction ends.

        The domain before the access, as whoever takes it back (`domains/sharing/service.py`). PostgreSQL looks at the role again
        after it has waited.
        """
        allowed = cls._default_manager.filter(user_id=member, domain__in=domains, role__in=[*map(str, roles_for(deed))])
        rows = allowed.filter(domain__deleting_since=None).select_related("domain").order_by("domain_id")
        return [row.domain for row in rows.select_for_update(of=("domain", "self"))]


def endpoints_of(owner_id: int) -> Any:
    """All endpoints of a user, to which only mail of their own domains may be routed. The app of endpoints is above this one."""
    return apps.get_model("endpoints.Endpoint")._default_manager.filter(owner_id=owner_id)


class SharedQuerySet(OwnedQuerySet[Row]):
    """Rows of domains, which are visible to those with whom the domain is shared."""

    owner_column: ClassVar[str] = "domain__owner_id"
    domain_column: ClassVar[str] = "domain_id"

    def visible_to(self, user: Any, least: Role = Role.VIEWER) -> Self:
        if least == Role.OWNER or not has_shares(user):
            return self.owned_by(user)
        shared = DomainAccess.objects.filter(user_id=user.pk, role__in=[*map(str, at_least(least))])
        own = apps.get_model("domains.Domain")._default_manager.filter(owner_id=user.pk).values("pk")
        return self.filter(**{f"{self.domain_column}__in": shared.values("domain_id").union(own, all=True)})

    def with_role(self, user: Any) -> Self:
        """Also adds `domain_owner`, the owner's id."""
        if not has_shares(user):
            return self
        access = DomainAccess.objects.filter(user_id=user.pk, domain_id=OuterRef(self.domain_column))
        own = When(**{self.owner_column: user.pk}, then=Value(Role.OWNER.value))
        role = Case(own, default=Subquery(access.values("role")), output_field=models.CharField())
        return self.annotate(caller_role=role, domain_owner=F(self.owner_column))
