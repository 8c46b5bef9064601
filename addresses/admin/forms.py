"""Forms to add, change and block addresses. The domain follows from the address."""

from __future__ import annotations

from typing import Any

from django import forms

from addresses.models import BlockedEmail, EmailAddress
from backoffice.service_forms import ServiceForm
from domains.models import Domain
from domains.names import domain_of, normalise_address


def normalised(text: str) -> tuple[str, Domain]:
    """The normalised address and its domain. Raises ValidationError."""
    try:
        address = normalise_address(text)
    except ValueError as error:
        raise forms.ValidationError("This is not an email address that can receive mail.") from error
    domain = Domain.objects.live().filter(name=domain_of(address)).first()
    if domain is None:
        raise forms.ValidationError(f"There is no domain {domain_of(address)} here.")
    return address, domain


class AddAddressForm(ServiceForm[EmailAddress]):
    class Meta:
        model = EmailAddress
        fields = ["address", "endpoint", "is_active"]
        help_texts = {
            "address": "For example hello@example.com. Its domain must exist here.",
            "endpoint": "The endpoint that receives its mail. It must belong to the domain's owner. Search by name or owner.",
        }

    domain: Domain

    def clean_address(self) -> str:
        address, self.domain = normalised(self.cleaned_data["address"])
        return address

    def clean(self) -> dict[str, Any] | None:
        values = super().clean() or self.cleaned_data
        endpoint = values.get("endpoint")
        if "address" in values and endpoint is not None and endpoint.owner_id != self.domain.owner_id:
            self.add_error("endpoint", f"This endpoint does not belong to the owner of {self.domain}.")
        return values


class ChangeAddressForm(ServiceForm[EmailAddress]):
    class Meta:
        model = EmailAddress
        fields = ["endpoint", "is_active"]
        help_texts = {"endpoint": "The endpoint that receives its mail. It must belong to the domain's owner."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "endpoint" in self.fields:
            # `endpoints`: reverse accessor of endpoints.Endpoint, in an app above this one.
            # With the owner, which Django sets in each.
            endpoints = self.instance.domain.owner.endpoints.only("owner", "name").order_by("name")
            self.fields["endpoint"].queryset = endpoints  # type: ignore[attr-defined]


class BlockForm(ServiceForm[BlockedEmail]):
    class Meta:
        model = BlockedEmail
        fields = ["email_address", "reason"]
        help_texts = {"email_address": "An address that has not been added, of a domain with catch-all."}

    domain: Domain

    def clean_email_address(self) -> str:
        address, self.domain = normalised(self.cleaned_data["email_address"])
        return address
