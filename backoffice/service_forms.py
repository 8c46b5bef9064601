"""Add and change rows in the admin through the services that the API uses, outside Django's own transaction."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import ValidationError
from django.db.models import Field, Model
from django.forms.utils import flatatt
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_protect

from backoffice.base import ModelAdmin, ModelForm
from backoffice.links import list_url, page_url

Row = TypeVar("Row", bound=Model)

GONE = "It has been deleted, or is being deleted. Nothing was changed."


class ServiceForm(ModelForm[Row]):
    """A form that leaves uniqueness to the service, which can reuse the name of a row that is being deleted."""

    def validate_unique(self) -> None:
        """Do nothing: the service checks it."""

    def validate_constraints(self) -> None:
        """Do nothing: the service checks them."""


class LongSelect(forms.Select):
    """A select that may have thousands of rows to choose from. Django renders each with a template, which takes seconds."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = set(self.format_value(value))
        options = "\n".join(
            f'<option value="{escape(key)}"{" selected" if key in chosen else ""}>{escape(str(label))}</option>'
            for key, label in ((str(key), label) for key, label in self.choices)
        )
        shown = flatatt(self.build_attrs(self.attrs, {**(attrs or {}), "name": name}))
        return SafeString(f"<select{shown}>\n{options}\n</select>")


class ServiceAdmin(ModelAdmin[Row]):
    """An admin whose `add_row` and `change_row` call a service and return the stored row. Inlines are not supported.

    The page that adds a row shows `add_form`; `form`, `fieldsets` and `readonly_fields` are those of the other pages.
    """

    add_form: type[ServiceForm[Row]]
    # Errors of the services whose text is shown as an error of the form, like that of a ValidationError.
    refusals: tuple[type[Exception], ...] = ()
    # Errors of the services after which the form is useless: a row that it shows or refers to has been deleted.
    gone: tuple[type[Exception], ...] = ()

    def add_row(self, request: HttpRequest, form: Any) -> Row:
        raise NotImplementedError

    def change_row(self, request: HttpRequest, row: Row, form: Any) -> Row:
        raise NotImplementedError

    @method_decorator(csrf_protect)
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Django's view without the transaction that Django wraps around it (`_changeform_view` is the wrapped function).

        The services commit first and then wait for SES. Inside an outer transaction they would hold its locks while they
        wait for the network, so they refuse to run there (`durable=True`). The history entry is written after the commit.
        """
        view = self._changeform_view  # type: ignore[attr-defined]
        try:
            response: HttpResponse = view(request, *args, **kwargs)
        except self.gone:
            messages.error(request, GONE)
            return HttpResponseRedirect(list_url(self, request))
        except ValidationError as refusal:
            # The form itself was valid. Render it again with the service's objection as its error.
            request.refusal = refusal  # type: ignore[attr-defined]
            response = view(request, *args, **kwargs)
        return response

    def get_fieldsets(self, request: HttpRequest, obj: Row | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": self.add_form._meta.fields})]
        return super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Row | None = None) -> Any:
        return [] if obj is None else self.readonly_fields

    def get_form(self, request: HttpRequest, obj: Row | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **{"form": self.form if obj else self.add_form, **kwargs})
        refusal: Any = getattr(request, "refusal", None)
        if refusal is None:
            return form

        class Refused(form):  # type: ignore[misc]
            def clean(self) -> None:
                raise refusal

        return Refused

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            # Without the icons that open pop-ups to edit or delete the related row.
            field.widget = field.widget.widget
        if isinstance(field, forms.ModelChoiceField) and type(field.widget) is forms.Select:
            field.widget = LongSelect(field.widget.attrs)
        return field

    def save_form(self, request: HttpRequest, form: Any, change: Any) -> Row:
        try:
            return self.change_row(request, form.instance, form) if change else self.add_row(request, form)
        except self.refusals as error:
            raise ValidationError(str(error)) from error

    def save_model(self, request: HttpRequest, obj: Row, form: Any, change: Any) -> None:
        """Do nothing: the service has saved the row."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """Do nothing: there are no inlines."""


@dataclass(frozen=True, slots=True)
class Secret:
    """`use`: what to do with it, in a sentence or two."""

    title: str
    text: str
    use: str


class ShowsOnce(ModelAdmin[Row]):
    """An admin whose add form may make a secret. The next page shows it; it is kept neither in a session nor in a message."""

    def show_once(self, request: HttpRequest, secret: Secret) -> None:
        """Show this secret as soon as the row has been added."""
        request.shown_once = secret  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Row, post_url_continue: str | None = None) -> HttpResponse:
        secret: Secret | None = getattr(request, "shown_once", None)
        if secret is None:
            return super().response_add(request, obj, post_url_continue)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": secret.title,
            "secret": secret,
            "row": obj,
            "opts": self.opts,
            "page": page_url(self, obj),
            "list": list_url(self, request),
        }
        response = TemplateResponse(request, "admin/backoffice/shown_once.html", context)
        response["Cache-Control"] = "no-store"
        response["Referrer-Policy"] = "no-referrer"
        return response


def warn(request: HttpRequest, warning: str | None) -> None:
    """Show a service's warning on the next page."""
    if warning:
        messages.warning(request, warning)
