"""What lists understand: searches for names as people type them, and filters."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db import DataError, ProgrammingError
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.text import capfirst, smart_split

from rest.names.canonical import canonical_part

# Of a list. The pages behind them would be slow, and nobody turns so many.
MOST_LISTED = 5000
# Of a list with long rows or many of them, among which a part of a text is searched.
SEARCHED = 3_000
SEARCH_NOTE = f"Among the newest {SEARCHED:,}. Filter by {{}} to look at others"


def newest(rows: QuerySet[Any], *order: str) -> QuerySet[Any]:
    """The newest of these rows, to look for a text in: to look at all of a million takes seconds."""
    return rows.filter(pk__in=rows.order_by(*order).values("pk")[:SEARCHED])


class SearchesNames:
    """Mixin for a ModelAdmin whose search also finds the stored form of names: `Info@BÜCHER.de.` finds `info@xn--bcher-kva.de`."""

    model: Any

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        django: Any = super()
        # The canonical form of a single dot is empty, which would find everything.
        forms = {word: canonical_part(_pasted(word)) or word for word in smart_split(search_term)}
        if all(form == word.lower() for word, form in forms.items()):
            return django.get_search_results(request, queryset, search_term)
        # Each word has to match in one of its forms: the others may be in texts that nobody normalises, such as user names.
        for either in forms.items():
            every = (django.get_search_results(request, self.model._default_manager.all(), form)[0] for form in either)
            # One subquery for all forms, which is asked for each row. Several would each look at all rows first.
            queryset = queryset.filter(pk__in=reduce(or_, every).values("pk"))
        return queryset, False


def _pasted(word: str) -> str:
    """The name in a word that was pasted with quotes or as a URL."""
    word = word.strip("\"'")
    try:
        return (urlsplit(word).hostname if "://" in word else None) or word
    except ValueError:
        return word


class AtLeast(int):
    """The number of rows of a list of which only the first ones are counted."""

    def __str__(self) -> str:
        return f"more than {int(self):,}"


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of the first `MOST_LISTED` rows. Counting a million rows takes seconds; search and filters find the others."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        # Only the key: what is read with a row may cost a statement of its own.
        number = int(rows.order_by().values("pk")[: MOST_LISTED + 1].count())
        return AtLeast(MOST_LISTED) if number > MOST_LISTED else number


def related_count(rows: QuerySet[Any], field: str) -> Coalesce:
    """How many of these rows name the row of a list in this field. Not by a join, which would read all rows for one page."""
    of_row = rows.filter(**{field: OuterRef("pk")}).order_by().values(field)
    return Coalesce(Subquery(of_row.annotate(number=Count("pk")).values("number")), 0)


class CheckedChangeList(ChangeList):
    """A list that refuses times that do not exist, such as the year -1. Django finds out only when it runs the query."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(*args, **kwargs)
        except (ValueError, OverflowError, IndexError, DataError, ProgrammingError) as error:
            raise IncorrectLookupParameters from error
        if not self.is_popup:
            # Django's is "Select domain to change".
            self.title = getattr(self.model_admin, "list_title", "") or capfirst(str(self.opts.verbose_name_plural))

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            # Django offers to show all if these differ, also to who sees all.
            self.full_result_count = self.result_count


class ChecksLookups:
    """Mixin for a ModelAdmin with such a list, and with pages that can be opened with any query.

    `list_title`: the title of the list, if the model's name does not do. `hidden_columns`: columns that no page shows. Django
    would filter the list by them, which tells a secret letter by letter.
    """

    list_title: ClassVar[str] = ""
    hidden_columns: ClassVar[tuple[str, ...]] = ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        django: Any = super()
        return lookup.partition("__")[0] not in self.hidden_columns and django.lookup_allowed(lookup, value, request)

    paginator: Any = BoundedPaginator
    list_per_page = 50
    show_full_result_count = False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        # Django takes an empty `_to_field` for the name of a field.
        django: Any = super()
        return django.get_object(request, object_id, from_field or None)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CheckedChangeList


class ChoiceListFilter(admin.SimpleListFilter):
    """A filter by one of its `lookups`. Django's would take any other value as well, and show rows that nobody asked for."""

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        if self.value() not in (None, *(choice for choice, _ in self.lookup_choices)):
            messages.warning(request, f"The filter by {self.title} has no such value, so it is left out.")
            raise IncorrectLookupParameters
