"""Add and change rows in the admin through the services that the API uses, outside Django's own transaction."""

from __future__ import annotations

from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import Field, Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect

from backoffice.base import ModelAdmin, ModelForm
from backoffice.urls import list_url

Row = TypeVar("Row", bound=Model)

GONE = "It has been deleted, or is being deleted. Nothing was changed."


class Gone(Exception):
    """The row, or a row that it depends on, was deleted while its form was open."""


class ServiceForm(ModelForm[Row]):
    """A form that leaves uniqueness to the service, which can reuse the name of a row that is being deleted."""

    def validate_unique(self) -> None:
        """Do nothing: the service checks it."""

    def validate_constraints(self) -> None:
        """Do nothing: the service checks them."""


class ServiceAdmin(ModelAdmin[Row]):
    """An admin whose `add_row` and `change_row` call a service and return the stored row.

    They may raise the model's DoesNotExist, and ValidationError or one of `refusals`, which the form then shows. Inlines are
    not supported.
    """

    refusals: tuple[type[Exception], ...] = ()

    def add_row(self, request: HttpRequest, form: Any) -> Row:
        raise NotImplementedError

    def change_row(self, request: HttpRequest, row: Row, form: Any) -> Row:
        raise NotImplementedError

    @method_decorator(csrf_protect)
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Django's view without the transaction that Django wraps around it (`_changeform_view` is the wrapped function).

        The services commit first and then wait for SES. Inside an outer transaction they would hold its locks while they
        wait for the network, so they refuse to run there (`durable=True`). The history entry is written after the commit.
        """
        view = self._changeform_view  # type: ignore[attr-defined]
        try:
            response: HttpResponse = view(request, object_id, form_url, extra_context)
        except Gone:
            messages.error(request, GONE)
            return HttpResponseRedirect(list_url(self, request))
        except ValidationError as refusal:
            # The form itself was valid. Render it again with the service's objection as its error.
            request.refusal = refusal  # type: ignore[attr-defined]
            response = view(request, object_id, form_url, extra_context)
        return response

    def get_form(
        self, request: HttpRequest, obj: Row | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Row]]:
        form = super().get_form(request, obj, change=change, **kwargs)
        refusal: ValidationError | None = getattr(request, "refusal", None)
        if refusal is not None:
            form = _refused(form, refusal)
        return form

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            # Without the icons that open pop-ups to edit or delete the related row.
            field.widget = field.widget.widget
        return field

    def save_form(self, request: HttpRequest, form: Any, change: Any) -> Row:
        try:
            return self.change_row(request, form.instance, form) if change else self.add_row(request, form)
        except ObjectDoesNotExist as error:
            raise Gone from error
        except self.refusals as error:
            raise ValidationError(str(error)) from error

    def save_model(self, request: HttpRequest, obj: Row, form: Any, change: Any) -> None:
        """Do nothing: the service has saved the row."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """Do nothing: there are no inlines."""


def _refused(form: Any, refusal: ValidationError) -> Any:
    class Refused(form):  # type: ignore[misc]
        def clean(self) -> None:
            raise refusal

    return Refused


def warn(request: HttpRequest, warning: str | None) -> None:
    """Show a service's warning on the next page."""
    if warning:
        messages.warning(request, warning)
