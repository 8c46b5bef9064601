"""Every path that the application answers, except those of machines (`inbound.web.probes`)."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, reverse

import addresses.urls
import archives.urls
import audit.urls
import desk.urls
import domains.urls
import endpoints.urls
import mail.urls
from inbound.admin import error_pages
from inbound.api import errors
from inbound.api.description.pages import docs, openapi
from inbound.web.icon import favicon
from mail.arrival.door import hooks_sns
from rest.router import Router

router = Router()
domains.urls.register(router)
addresses.urls.register(router)
endpoints.urls.register(router)
mail.urls.register(router)
archives.urls.register(router)
audit.urls.register(router)
desk.urls.register(router)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v2/", include(router.urls)),
    archives.urls.DOWNLOAD,
    path("api/v2/openapi.json", openapi, name="openapi"),
    path("api/v2/docs", docs, name="api-docs"),
    path("favicon.ico", favicon),
    path("hooks/sns", hooks_sns),
]


def either(page: Callable[..., HttpResponse], answer: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The page for a path of the admin, and the answer in JSON for any other."""

    def respond(request: HttpRequest, *exception: Any, **named: Any) -> HttpResponse:
        chosen = page if request.path.startswith(reverse("admin:index")) else answer
        return chosen(request, *exception, **named)

    return respond


handler400 = either(error_pages.bad_request, errors.bad_request)
handler403 = either(error_pages.forbidden, errors.forbidden)
handler404 = either(error_pages.not_found, errors.not_found)
handler500 = either(error_pages.server_error, errors.server_error)
