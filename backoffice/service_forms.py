"""Adding and changing rows in the admin through the services that the API uses."""

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

GONE = "It is gone, or being deleted. Nothing was changed."


class Gone(Exception):
    """The row, or what it hangs on, went while somebody looked at its form."""


class ServiceForm(ModelForm[Row]):
    """Leaves it to the service to say what is taken: a row that is about to go may still have the name."""

    def validate_unique(self) -> None:
        """The service decides."""

    def validate_constraints(self) -> None:
        """The service decides."""


class ServiceAdmin(ModelAdmin[Row]):
    """`add_row` and `change_row` call a service, and return the row as stored.

    They may raise ValidationError or one of `refusals`, whose text is shown on the form, and the model's DoesNotExist. No
    inlines.
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
        """As Django's, but outside a transaction.

        Django's wraps the whole view in one. The services commit, and only then wait for SES: inside of that transaction
        they would hold its locks over the network, so they refuse (`durable=True`). `_changeform_view` is what Django
        wraps. The entry in the history is written after the commit, by itself.
        """
        view = self._changeform_view  # type: ignore[attr-defined]
        try:
            response: HttpResponse = view(request, object_id, form_url, extra_context)
        except Gone:
            messages.error(request, GONE)
            return HttpResponseRedirect(list_url(self, request))
        except ValidationError as refusal:
            # Only the service can tell, and by then the form was valid: so once more, with what it says.
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
            # Its icons open pop-ups to edit and delete what the row only points to.
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
        """The service has saved it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """Nothing hangs on the form."""


def _refused(form: Any, refusal: ValidationError) -> Any:
    class Refused(form):  # type: ignore[misc]
        def clean(self) -> None:
            raise refusal

    return Refused


def warn(request: HttpRequest, warning: str | None) -> None:
    """SES's trouble on the very page where it is met."""
    if warning:
        messages.warning(request, warning)
