"""Base class of the API's viewsets: the caller's rows, serializers per action, and exceptions as answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any, ClassVar, Protocol, Self, TypeVar, cast

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Least
from django.http import HttpRequest
from rest_framework.exceptions import APIException, NotFound
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from rest.access.roles import Deed
from rest.access.rows import has_shares
from rest.filters import Filter, IdFilter, QueryFilters
from rest.ids import is_id
from rest.prebuilt import Parameter, Prebuilt, Slice
from rest.query import check_query
from rest.schema.operations import Schema

Row = TypeVar("Row", bound=Model)


class Visible(Protocol):
    """A queryset that can be narrowed to what one user sees (`rest/access/rows.py`)."""

    def visible_to(self, user: User) -> Self: ...

    def with_role(self, user: User) -> Self: ...


Rows = TypeVar("Rows", bound=Visible)


class OwnedViewSet(GenericViewSet[Row]):
    """The rows of one model that the caller sees: their own, and those of domains that are shared with them.

    Other rows are 404, as if they did not exist. What the caller sees and may not change is 403 (`deeds`).
    `queryset` is an `OwnedQuerySet`. Actions come from DRF's mixins and `@action`. Methods that write call a
    service and put its result into `serializer.instance`.

    `queryset`, `filters` and `with_details` are built once for each list (`rest/prebuilt.py`), so they must not depend on the
    request or the clock. Lists are filtered by `filters` only.
    """

    http_method_names = ["get", "post", "put", "delete", "head", "options"]
    filter_backends = [QueryFilters]
    schema = Schema()

    # Sentence of a 404.
    not_found: ClassVar[str]
    # Query parameters of the list.
    filters: ClassVar[Sequence[Filter]] = ()
    # JSON schemas of other query parameters, by action and name. For schema generators.
    parameters: ClassVar[Mapping[str, Mapping[str, dict[str, Any]]]] = {}
    # What actions do, if it is not what these actions usually do and they have no docstring. For the description.
    summaries: ClassVar[Mapping[str, str]] = {}
    # The member of a list's answer that has the rows.
    rows_name: ClassVar[str] = "data"
    # Whether a limit over the greatest counts as that. Otherwise it is 400.
    clamps_limit: ClassVar[bool] = True
    # Media types of the actions that answer with a file.
    files: ClassVar[Mapping[str, str]] = {}
    # Serializer of what a list has besides rows and `pagination`.
    page_serializer: ClassVar[type[BaseSerializer[Any]] | None] = None
    # Serializers of the actions that `serializer_class` does not fit.
    serializer_classes: ClassVar[Mapping[str, type[BaseSerializer[Any]]]] = {}
    # Actions that answer 201.
    creating: ClassVar[Collection[str]] = ("create",)
    # Actions that answer 202.
    accepting: ClassVar[Collection[str]] = ()
    # Further answers of actions, by status.
    more_answers: ClassVar[Mapping[str, Mapping[str, type[BaseSerializer[Any]]]]] = {}
    # Actions whose body is a form with a file, which may be large.
    uploading: ClassVar[Collection[str]] = ()
    # Answers to exceptions of services.
    errors: ClassVar[Mapping[type[Exception], Callable[[Any], APIException]]] = {}
    # What actions do to rows of domains. If an action is not here, GET reads, and everything else is the owner's.
    deeds: ClassVar[Mapping[str, Deed]] = {}
    # The scope that an API key needs, if not the usual one of the HTTP method. Set it with `@action`.
    required_scope: str | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method == "OPTIONS":
            # It tells what the published description says. Browsers ask without a key.
            return
        super().initial(request, *args, **kwargs)
        if request.query_params and self.action:
            check_query(request, query_names(type(self), self.action))

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """Answer with the methods of the path, and without DRF's description of the view."""
        return Response(status=204, headers={"Allow": ", ".join(self.allowed_methods)})

    @property
    def model(self) -> Any:
        return super().get_queryset().model

    @property
    def caller(self) -> User:
        return cast(User, self.request.user)

    @property
    def deed(self) -> Deed:
        return self.deeds.get(self.action) or (Deed.READ if self.request.method in SAFE_METHODS else Deed.OTHER)

    def visible(self, rows: Rows) -> Rows:
        """Limit `rows` to those that the caller may see. No other code decides this."""
        return rows.visible_to(self.caller)

    def find(self, rows: Any, error: str, **by: Any) -> Any:
        """The row that the caller sees and may do this to. Raises NotFound with `error`, and PermissionDenied."""
        row = self.visible(rows).with_role(self.caller).filter(**by).first()
        if row is None:
            raise NotFound(error)
        self.check_object_permissions(self.request, row)
        return row

    def with_details(self, rows: Any) -> Any:
        """Add what an answer shows of each row besides its columns: related rows and annotations."""
        return rows

    def get_queryset(self) -> QuerySet[Row]:
        rows: Any = self.visible(cast(Any, super().get_queryset()))
        return cast("QuerySet[Row]", self.with_details(rows) if self.action == "retrieve" else rows)

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters that a list is filtered by."""
        return self.request.query_params

    def count(self, rows: QuerySet[Row]) -> int:
        """The number of all rows of a list, for its pages."""
        return rows.count()

    def page(self, limit: int, offset: int, *, from_end: bool, is_short: bool) -> list[Row]:
        """Read some rows of the list with details. With `from_end`, the offset counts from the end of the list.

        `is_short`: sort the few rows of the list. Reading an index in the order of the list could pass many rows of others.
        """
        texts = {row_filter.parameter: self.query.get(row_filter.parameter) for row_filter in self.filters}
        values = tuple(map(_parameter_or_text, self.filters, texts.values()))
        rows = _page(type(self), values, from_end, is_short, has_shares(self.caller))
        return rows(owner=self.caller.pk, limit=limit, offset=offset, **texts)

    def get_object(self) -> Row:
        """Find the row without filters, which DRF would apply here, too."""
        pk = self.kwargs["pk"]
        found = _row(type(self), self.action, has_shares(self.caller))(owner=self.caller.pk, pk=pk) if is_id(pk) else []
        if not found:
            raise NotFound(self.not_found)
        self.check_object_permissions(self.request, found[0])
        return cast(Row, found[0])

    def serializer_facts(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Read what the serializer of `list` and `retrieve` needs besides the rows, for all rows at once, as its context."""
        return {}

    def get_serializer(self, *args: Any, **kwargs: Any) -> BaseSerializer[Row]:
        if self.action in ("list", "retrieve"):
            rows = args[0] if kwargs.get("many") else args
            kwargs["context"] = {**self.get_serializer_context(), **self.serializer_facts(rows)}
        return super().get_serializer(*args, **kwargs)

    def get_serializer_class(self) -> type[BaseSerializer[Row]]:
        return self.serializer_classes.get(self.action) or super().get_serializer_class()

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(self._answer_to(exc))

    def _answer_to(self, error: Exception) -> Exception:
        for kind, answer in self.errors.items():
            if isinstance(error, kind):
                return answer(error)
        # The row was deleted while the request was running.
        return NotFound(self.not_found) if isinstance(error, self.model.DoesNotExist) else error


@cache
def query_names(viewset: type[OwnedViewSet[Any]], action: str) -> list[str]:
    """The query parameters that an action takes."""
    view = viewset(action=action)
    of_lists = [*cast(Any, view.paginator).names, *(it.parameter for it in view.filters)] if action == "list" else []
    return [*of_lists, *view.parameters.get(action, {})]


def _caller(shares: bool) -> Any:
    """Stands for any caller when a query is built: one with whom others share something, or one with whom nobody does."""
    return SimpleNamespace(pk=Parameter("owner"), has_shares=shares)


@cache
def _row(viewset: type[OwnedViewSet[Any]], action: str, shares: bool) -> Prebuilt[Any]:
    """The query for the row `pk` that the user `owner` sees, as an action of the viewset needs it."""

    def build() -> QuerySet[Any]:
        caller = _caller(shares)
        rows: Any = viewset(action=action, request=SimpleNamespace(user=caller)).get_queryset()
        return cast("QuerySet[Any]", rows.with_role(caller).order_by().filter(pk=Parameter("pk")))

    return Prebuilt(build)


# Limited, because clients choose the texts.
@lru_cache(maxsize=64)
def _page(
    viewset: type[OwnedViewSet[Any]],
    texts: tuple[str | Parameter | None, ...],
    from_end: bool,
    is_short: bool,
    shares: bool,
) -> Prebuilt[Any]:
    """The query for a page: its rows are chosen first, so that details of skipped rows are not computed."""

    def build() -> QuerySet[Any]:
        view = viewset(action="list", request=SimpleNamespace(user=_caller(shares)))
        rows: Any = view.get_queryset()
        filters: Sequence[Any] = view.filters
        for row_filter, text in zip(filters, texts, strict=True):
            rows = row_filter.apply(rows, text)
        order = rows.query.order_by
        chosen = rows.order_by(*_without_index(order)) if is_short else rows
        chosen = Slice((chosen.reverse() if from_end else chosen).values("pk"))
        return cast("QuerySet[Any]", view.with_details(view.get_queryset()).filter(pk__in=chosen).order_by(*order))

    return Prebuilt(build)


def _without_index(order: Sequence[str]) -> list[OrderBy | str]:
    """The same order in a form that no index has, so that the database sorts."""
    first, *others = order
    column = first.removeprefix("-")
    return [OrderBy(Least(column, column), descending=first.startswith("-")), *others]


def _parameter_or_text(row_filter: Filter, text: str | None) -> str | Parameter | None:
    """Replace an id by a parameter. The other filters have few values."""
    return Parameter(row_filter.parameter) if isinstance(row_filter, IdFilter) and is_id(text) else text
