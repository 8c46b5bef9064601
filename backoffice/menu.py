"""The menu of the admin site: what operators need, in the order in which they need it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from backoffice.links import registered


@dataclass(frozen=True, slots=True)
class Entry:
    """`to`: a model such as `mail.delivery`, whose list it opens, or the name of a page of the site, such as `work`.

    `permission`: what a page requires; a list requires permission to view its rows. `badge`: the number beside it, by name.
    `about`: what is there, for the pages that list entries.
    """

    label: str
    to: str
    permission: str = ""
    badge: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as somebody sees it. `is_here`: whether it is the page that is open, or holds it."""

    label: str
    url: str
    badge: str
    about: str
    is_here: bool


def links(site: AdminSite, request: HttpRequest, entries: Iterable[Entry]) -> list[Link]:
    """The entries that this user may open. No statement beyond those for the user's permissions."""
    found = [(entry, url) for entry in entries if (url := _url(site, request, entry))]
    home = reverse(f"{site.name}:index")
    holding = [url for _, url in found if request.path == url or (url != home and request.path.startswith(url))]
    here = max(holding, key=len, default="")
    return [Link(entry.label, url, entry.badge, entry.about, url == here) for entry, url in found]


def _url(site: AdminSite, request: HttpRequest, entry: Entry) -> str:
    """Empty if the user may not open it, or if this site does not have it."""
    if "." in entry.to:
        admin = registered(site, entry.to)
        if admin is None or not admin.has_view_or_change_permission(request):
            return ""
        return reverse(f"{site.name}:{entry.to.replace('.', '_')}_changelist")
    if entry.permission and not request.user.has_perm(entry.permission):
        return ""
    try:
        return reverse(f"{site.name}:{entry.to}")
    except NoReverseMatch:
        return ""


def missing(site: AdminSite, entries: Iterable[Entry]) -> Iterator[str]:
    """Models of the site that no entry opens."""
    listed = {entry.to for entry in entries}
    yield from (model._meta.label_lower for model in site._registry if model._meta.label_lower not in listed)
