"""Users are deactivated, not deleted: domains, mail and the record of changes belong to them."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from addresses.models import EmailAddress
from audit.actions import Action
from audit.record import Entry, record
from backoffice.text import plural
from domains.models import Domain, DomainAccess
from inbound.models import ApiKey

YOURSELF = "You cannot deactivate yourself."


def may_change(by: User, other: User) -> bool:
    """Whether `other` may do nothing that `by` may not. Otherwise a new password would let `by` act as `other`."""
    if by.is_superuser:
        return True
    if other.is_superuser:
        return False
    return not _held(other).exclude(pk__in=_held(by)).exists()


def deactivate(user: User) -> bool:
    """Refuse sign-in and API keys from now on. False if the user was inactive already."""
    with transaction.atomic():
        if not User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
            return False
        record(Entry.of(Action.CHANGED, user, user.pk, before={"isActive": True}, after={"isActive": False}))
    return True


def consequences(users: Sequence[User]) -> dict[int, list[str]]:
    """What deactivation stops and what goes on, in sentences, by the user's key. Five statements."""
    chosen = [user.pk for user in users]
    usable = ApiKey.objects.usable().order_by()
    keys = dict(usable.filter(owner__in=chosen).values_list("owner").annotate(Count("pk")))
    live = Domain.objects.live().order_by()
    domains = dict(live.filter(owner__in=chosen).values_list("owner").annotate(Count("pk")))
    of_live = EmailAddress.objects.filter(domain__owner__in=chosen, domain__deleting_since=None).order_by()
    addresses = dict(of_live.values_list("domain__owner").annotate(Count("pk")))
    accesses = DomainAccess.objects.filter(domain__deleting_since=None).order_by()
    by_them = dict(accesses.filter(domain__owner__in=chosen).values_list("domain__owner").annotate(Count("pk")))
    with_them = dict(accesses.filter(user__in=chosen).values_list("user").annotate(Count("pk")))
    return {
        pk: [
            "Signing in is refused at once, also where the user is signed in.",
            _keys(keys.get(pk, 0)),
            _mail(domains.get(pk, 0), addresses.get(pk, 0)),
            *_shared(by_them.get(pk, 0), with_them.get(pk, 0)),
        ]
        for pk in chosen
    }


def _keys(count: int) -> str:
    if not count:
        return "There is no API key that could be used."
    it = "It works" if count == 1 else "They work"
    return (
        f"{plural(count, 'API key')} {'stops' if count == 1 else 'stop'} working. {it} again if the user is activated."
    )


def _shared(by_them: int, with_them: int) -> list[str]:
    """Nothing if no domain is shared."""
    given = "Others keep their access to the user's domains. They see and change them as before."
    taken = f"The access to {plural(with_them, 'domain')} of others stays, and works again if the user is activated."
    return [*([given] if by_them else []), *([taken] if with_them else [])]


def _mail(domains: int, addresses: int) -> str:
    if not domains:
        return "There is no domain, so no mail is concerned."
    stay = "stays" if domains == 1 else "stay"
    return (
        f"{plural(domains, 'domain')} with {plural(addresses, 'address')} {stay}: mail is received, stored and delivered as "
        "before. To end that, delete the domains."
    )


def groups_given_by(user: User) -> QuerySet[Group]:
    """The groups that a user may put others into: those whose members may do nothing that the user may not."""
    groups = Group.objects.order_by("name")
    if user.is_superuser:
        return groups
    return groups.exclude(permissions__in=Permission.objects.exclude(pk__in=_held(user)))


def _held(user: User) -> QuerySet[Permission]:
    """The permissions of a user. Not `get_all_permissions`: an inactive user has none, and could be activated."""
    return Permission.objects.filter(Q(user=user) | Q(group__user=user))
