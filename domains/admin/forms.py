"""Forms to add a domain and to switch its catch-all."""

from __future__ import annotations

from typing import Any

from django import forms

from backoffice.service_forms import ServiceForm
from domains.models import Domain
from domains.names import normalise_domain


class AddDomainForm(ServiceForm[Domain]):
    class Meta:
        model = Domain
        fields = ["name", "owner"]

    def clean_name(self) -> str:
        try:
            return normalise_domain(self.cleaned_data["name"])
        except ValueError as error:
            raise forms.ValidationError("This is not a domain name, such as example.com.") from error


class CatchAllForm(ServiceForm[Domain]):
    """The only part of a domain that can be changed."""

    class Meta:
        model = Domain
        fields = ["is_catch_all_enabled", "catch_all_endpoint"]
        labels = {"is_catch_all_enabled": "Catch-all", "catch_all_endpoint": "Catch-all endpoint"}
        help_texts = {
            "is_catch_all_enabled": "Receive mail for every address of the domain.",
            "catch_all_endpoint": "The endpoint that receives this mail. It must be active and belong to the owner.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "catch_all_endpoint" in self.fields:
            # `endpoints`: reverse accessor of endpoints.Endpoint, in an app above this one.
            endpoints = self.instance.owner.endpoints
            current = endpoints.filter(pk=self.instance.catch_all_endpoint_id)
            # With the owner, which Django sets in each.
            offered = (endpoints.filter(is_active=True) | current).only("owner", "name", "is_active").order_by("name")
            self.fields["catch_all_endpoint"].queryset = offered  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any] | None:
        values = super().clean() or self.cleaned_data
        if not self.changed_data or not values.get("is_catch_all_enabled"):
            return values
        if self.instance.status != Domain.Status.VERIFIED:
            self.add_error("is_catch_all_enabled", "The domain must be verified before catch-all can be switched on.")
        endpoint = values.get("catch_all_endpoint")
        if endpoint is None and not self.has_error("catch_all_endpoint"):
            self.add_error("catch_all_endpoint", "Catch-all needs an endpoint.")
        elif endpoint is not None and not endpoint.is_active:
            self.add_error("catch_all_endpoint", "This endpoint is not active.")
        return values
