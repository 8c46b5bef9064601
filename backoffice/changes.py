"""The link from the page of each object to its changes in the audit log, in place of Django's history."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse


class ShowsChanges:
    """Mixin for a ModelAdmin. Its template `change_form_object_tools.html` calls the link "Changes"."""

    # An attribute of the row by whose value its changes are found: also those of what has or had the same name.
    changes_by_name: ClassVar[str] = ""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        django: Any = self
        pk = unquote(object_id)
        row = django.get_object(request, pk) if self.changes_by_name else None
        wanted = (
            {"object_name": getattr(row, self.changes_by_name)}
            if row is not None
            else {"object_type": django.opts.label_lower, "object_id": pk}
        )
        # The log is an app above this one.
        return HttpResponseRedirect(f"{reverse('admin:audit_change_changelist')}?{urlencode(wanted)}")
