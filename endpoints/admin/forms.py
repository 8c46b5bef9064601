"""Admin forms for endpoints. A config may hold secrets, so no form ever shows it."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from backoffice.service_forms import ServiceForm
from endpoints.config_schema import ConfigError, clean_config
from endpoints.models import Endpoint


class WriteOnlyTextarea(forms.Textarea):
    """A textarea that is always rendered empty, even next to an error."""

    def format_value(self, value: Any) -> str:
        return ""


class AddEndpointForm(ServiceForm[Endpoint]):
    # Not Django's JSONField, which fails for deeply nested JSON and numbers of more than 4,300 digits.
    config = forms.CharField(
        widget=WriteOnlyTextarea,
        help_text=(
            'JSON: {"url": "https://…"} for a webhook, {"forwardTo": "…"} for email, {"emails": ["…"]} for a group. '
            "Its secrets are not shown again."
        ),
    )

    class Meta:
        model = Endpoint
        fields = ["owner", "name", "type", "description", "config"]

    def clean_config(self) -> object:
        try:
            return json.loads(self.cleaned_data["config"])
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError("Enter a valid JSON.") from error

    def clean(self) -> dict[str, Any] | None:
        values = super().clean() or self.cleaned_data
        if "type" in values and "config" in values:
            try:
                clean_config(values["type"], values["config"])
            except ConfigError as error:
                self.add_error("config", str(error))
        return values


class ChangeEndpointForm(ServiceForm[Endpoint]):
    class Meta:
        model = Endpoint
        fields = ["name", "description", "is_active"]
