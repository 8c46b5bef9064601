"""The desk's pages at the admin site. Only Django imports it."""

from __future__ import annotations

from typing import cast

from django.contrib import admin

from backoffice.site import Site
from desk.pages import badges, capacity, drift, home, internals, work

# Who may see marks may see the state, which is computed from them and the like.
MAY_SEE = "ses_integration.view_domainsync"

site = cast(Site, admin.site)
site.add_page("index", home.page)
site.add_page("work", work.page, MAY_SEE)
site.add_page("drift", drift.page, MAY_SEE)
site.add_page("capacity", capacity.page, MAY_SEE)
site.add_page("internals", internals.page)
site.add_page("badges", badges.page, MAY_SEE)
