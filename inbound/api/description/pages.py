"""`/api/v2/openapi.json`, and `/api/v2/docs`, which shows it and lets people try calls. Both are public, like the code."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from inbound.api.description.document import document

# All files are our own. Swagger UI sets styles of elements, and has its icons in its style sheet.
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
CACHED = "public, max-age=300"


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    return HttpResponse(document(), content_type="application/json", headers={"Cache-Control": CACHED})


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    answer = render(request, "inbound/api_docs.html")
    answer.headers["Content-Security-Policy"] = POLICY
    return answer
