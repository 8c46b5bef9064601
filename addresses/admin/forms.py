"""The admin's forms of addresses. The domain is in the address, so nobody is asked for it."""

from __future__ import annotations

from typing import Any

from django import forms

from addresses.models import BlockedEmail, EmailAddress
from backoffice.service_forms import ServiceForm
from domains.models import Domain
from domains.names import domain_of, normalise_address


def normalised(text: str) -> tuple[str, Domain]:
    """The address as it is stored, and its domain; raises ValidationError."""
    try:
        address = normalise_address(text)
    except ValueError as error:
        raise forms.ValidationError("This is not an email address that can be received.") from error
    domain = Domain.objects.live().filter(name=domain_of(address)).first()
    if domain is None:
        raise forms.ValidationError(f"{domain_of(address)} is not one of the domains here.")
    return address, domain


class AddAddressForm(ServiceForm[EmailAddress]):
    class Meta:
        model = EmailAddress
        fields = ["address", "endpoint", "is_active"]
        help_texts = {
            "address": "Of one of the domains here, like hello@example.com.",
            "endpoint": "Where its mail goes: one of the domain's owner's. Look it up by its name or its owner.",
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
        help_texts = {"endpoint": "Where its mail goes: one of the domain's owner's."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "endpoint" in self.fields:
            # `endpoints` is the reverse accessor of endpoints.Endpoint, which stands above this app.
            endpoints = self.instance.domain.owner.endpoints.order_by("name")
            self.fields["endpoint"].queryset = endpoints  # type: ignore[attr-defined]


class BlockForm(ServiceForm[BlockedEmail]):
    class Meta:
        model = BlockedEmail
        fields = ["email_address", "reason"]
        help_texts = {"email_address": "Of a domain with catch-all, and not one of its own addresses."}

    domain: Domain

    def clean_email_address(self) -> str:
        address, self.domain = normalised(self.cleaned_data["email_address"])
        return address
