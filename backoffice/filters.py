"""Filters of lists."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest


class ChoiceListFilter(admin.SimpleListFilter):
    """A filter by one of its `lookups`. Django's would take any other value as well, and show rows that nobody asked for."""

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        if self.value() not in (None, *(choice for choice, _ in self.lookup_choices)):
            messages.warning(request, f"The filter by {self.title} has no such value, so it is left out.")
            raise IncorrectLookupParameters
