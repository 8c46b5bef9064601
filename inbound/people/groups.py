"""The ready groups and what their members may do (docs/people.md). `migrate` creates them and keeps them exact."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from audit.origin import MIGRATE, Door, Origin, acting

# Whose rows a viewer sees: those of all our apps, and their owners.
SHOWN_APPS = (
    "inbound", "desk", "archives", "mail", "endpoints", "addresses", "domains", "ses_integration", "workers", "audit",
)  # fmt: skip
SHOWN_MODELS = ("auth.user",)

OPERATES = {
    "domains.domain": "add change delete",
    "domains.domainaccess": "add change delete",
    "domains.domaindeletion": "change",
    "addresses.emailaddress": "add change delete",
    "addresses.deletedaddress": "delete",
    "addresses.blockedemail": "add delete",
    "endpoints.endpoint": "add change delete",
    "archives.export": "add change",
    "archives.import": "add change",
    "mail.receivedemail": "change delete",
    "mail.delivery": "change",
    "mail.endpointgate": "change",
    "mail.eventnotice": "change",
    "ses_integration.domainsync": "change",
    "ses_integration.rulesetstate": "change",
}
ADMINISTERS = {
    "inbound.apikey": "add change",
    "auth.user": "add change",
    "auth.group": "view",
    "axes.accessattempt": "view delete",
}
GROUPS: dict[str, dict[str, str]] = {"viewer": {}, "operator": OPERATES, "administrator": {**OPERATES, **ADMINISTERS}}


def is_ready(name: str) -> bool:
    """Whether it is one of these groups. Nobody changes them: the next `migrate` would take it back."""
    return name in GROUPS


def permissions_of(name: str) -> list[Permission]:
    """The permissions of a group, as rows."""
    wanted = Q(content_type__app_label__in=SHOWN_APPS, codename__startswith="view_")
    for model in SHOWN_MODELS:
        wanted |= _of(model, "view")
    for model, actions in GROUPS[name].items():
        wanted |= _of(model, actions)
    return list(Permission.objects.filter(wanted))


def create_groups(sender: AppConfig | None = None, using: str = "default", **_: Any) -> None:
    """After `migrate`: create the groups, and give each exactly its permissions."""
    if sender is not None and sender.label != "inbound":
        return
    # Django creates them app by app, and this app is not the last.
    for app in apps.get_app_configs():
        create_permissions(app, using=using, verbosity=0)
    with acting(Origin(Door.COMMAND, via=MIGRATE)), transaction.atomic(using=using):
        for name in GROUPS:
            group, _created = Group.objects.using(using).get_or_create(name=name)
            group.permissions.set(permissions_of(name))


def _of(model: str, actions: str) -> Q:
    app, _, name = model.partition(".")
    codenames = [f"{action}_{name}" for action in actions.split()]
    return Q(content_type__app_label=app, content_type__model=name, codename__in=codenames)
