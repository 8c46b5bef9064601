"""Forms for endpoints, one for each type. What is secret in a stored config is masked, and stays as it is if it is left masked."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from backoffice.service_forms import ServiceForm
from endpoints.config_schema import EVENTS, GROUP_LIMIT, PAYLOADS, ConfigError, clean_config
from endpoints.models import Endpoint
from endpoints.redaction import HIDDEN, redacted
from endpoints.webhooks.signing import new_token
from endpoints.webhooks.target import Refused, parse

MASKED = f"{HIDDEN} stands for what is not shown. Type the whole value, or leave all of it as it was."


class EndpointForm(ServiceForm[Endpoint]):
    """The form for one type. `config_fields`: its fields that are members of the config, with the same names."""

    endpoint_type: ClassVar[str] = ""
    config_fields: ClassVar[list[str]] = []

    class Meta:
        model = Endpoint
        fields = ["owner", "name", "description", "is_active"]
        help_texts = {"is_active": "Mail for an inactive endpoint waits until it is active."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored: dict[str, Any] = self.instance.config or {}
        for name, value in redacted(self.stored).items():
            if name in self.config_fields:
                self.initial[name] = self.shown(name, value)

    def shown(self, name: str, value: Any) -> Any:
        """How the form shows a member of the config, of which secrets are masked."""
        return value

    def config(self) -> dict[str, Any]:
        """The stored config with the changes of this form. Members that the form does not know stay."""
        changed = {name: self.cleaned_data[name] for name in self.config_fields if name in self.changed_data}
        kept = {name: value for name, value in self.stored.items() if name not in changed}
        return kept | {name: value for name, value in changed.items() if value not in (None, "", [], {})}

    @property
    def config_changed(self) -> bool:
        return not set(self.config_fields).isdisjoint(self.changed_data)

    def clean(self) -> dict[str, Any] | None:
        values = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                clean_config(self.endpoint_type, self.config())
            except ConfigError as error:
                self.add_error(error.key if error.key in self.fields else None, str(error))
        return values


class WebhookForm(EndpointForm):
    endpoint_type = Endpoint.Type.WEBHOOK
    config_fields = ["url", "headers", "secret", "timeout", "retryAttempts", "payload", "events"]

    url = forms.CharField(
        label="URL",
        max_length=2000,
        widget=forms.TextInput(attrs={"class": "vLargeTextField", "inputmode": "url"}),
        help_text="Where inbound posts each mail, for example https://hooks.example.net/mail. "
        "Another host gets another verification token.",
    )
    headers = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"class": "vLargeTextField", "rows": 3}),
        help_text=f"Sent with each request, one on a line: Name: value. {HIDDEN} keeps the value that is stored, "
        "for as long as scheme, host and port of the URL stay.",
    )
    secret = forms.CharField(
        label="Signing secret",
        required=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"class": "vLargeTextField", "autocomplete": "new-password"}),
    )
    timeout = forms.FloatField(
        required=False, min_value=1, max_value=300, help_text="Seconds to wait for an answer. Empty: 30."
    )
    retryAttempts = forms.IntegerField(
        label="Retries",
        required=False,
        min_value=0,
        max_value=10,
        help_text="How often a failed request is made again. Empty: as often as WEBHOOK_RETRY_SECONDS says.",
    )
    payload = forms.ChoiceField(
        required=False,
        choices=[(name, name) for name in PAYLOADS],
        initial=PAYLOADS[0],
        help_text="full: all that fits. noRaw: without the raw message. thin: with links in place of texts.",
    )
    events = forms.MultipleChoiceField(
        required=False,
        choices=[(name, name) for name in EVENTS],
        widget=forms.CheckboxSelectMultiple,
        help_text="What it is told besides mail. domain.deletion.proved: SES and S3 hold nothing of a deleted domain any more.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "secret" in self.fields:
            self.fields["secret"].help_text = (
                "Another secret takes the place of the present one, which signs for another day. Empty: it stays. Never shown."
                if self.instance.sealed_secret
                else "Requests are signed with it. Empty: inbound makes one and shows it once."
            )

    def shown(self, name: str, value: Any) -> Any:
        match name:
            case "headers":
                return "\n".join(f"{header}: {text}" for header, text in (value or {}).items())
            case "events":
                # Configs that are older than the rule for it may have anything there.
                return value if isinstance(value, list) else []
            case _:
                return value

    @property
    def moves(self) -> bool:
        """Whether another server gets the requests. Whoever moves a webhook must not send there what they cannot read."""
        if not self.stored or "url" not in self.changed_data or "url" in self.errors:
            return False
        try:
            return parse(self.stored["url"]).origin != parse(self.cleaned_data["url"]).origin
        except Refused:
            return True

    def config(self) -> dict[str, Any]:
        return super().config() | ({"verificationToken": new_token()} if self.moves else {})

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if "url" in self.changed_data and HIDDEN in url:
            raise forms.ValidationError(MASKED)
        return url

    def clean_timeout(self) -> float | None:
        seconds: float | None = self.cleaned_data["timeout"]
        return int(seconds) if seconds is not None and seconds.is_integer() else seconds

    def clean_headers(self) -> dict[str, str]:
        stored = self.stored.get("headers") or {}
        headers: dict[str, str] = {}
        for number, line in enumerate(self.cleaned_data["headers"].splitlines(), start=1):
            name, colon, value = (part.strip() for part in line.partition(":"))
            if not line.strip():
                continue
            if not (name and colon):
                raise forms.ValidationError(f"Line {number} is not of the form Name: value.")
            if name in headers:
                raise forms.ValidationError(f"{name} is there twice.")
            if value == HIDDEN and name not in stored:
                raise forms.ValidationError(f"{name} has no stored value that {HIDDEN} could keep.")
            if value == HIDDEN and self.moves:
                raise forms.ValidationError(f"{name}: type the value again. {HIDDEN} does not go to another server.")
            headers[name] = stored[name] if value == HIDDEN else value
        return headers


class ForwardForm(EndpointForm):
    """What forms for an address and for a group share."""

    subjectPrefix = forms.CharField(
        label="Subject prefix",
        required=False,
        max_length=200,
        help_text="Put before each subject, for example [Sales].",
    )
    fromAddress = forms.CharField(
        label="Sent from",
        required=False,
        max_length=320,
        help_text="An address of a verified domain of the owner. Empty: the address that received the mail.",
    )
    senderName = forms.CharField(
        label="Sender's name", required=False, max_length=200, help_text="Empty: the name of the mail's author."
    )
    includeAttachments = forms.BooleanField(
        label="Include attachments",
        required=False,
        initial=True,
        help_text="Otherwise each is replaced by a line with its name.",
    )


SHARED = ["subjectPrefix", "fromAddress", "senderName", "includeAttachments"]


class EmailForm(ForwardForm):
    endpoint_type = Endpoint.Type.EMAIL
    config_fields = ["forwardTo", *SHARED]

    forwardTo = forms.CharField(
        label="Forward to",
        max_length=320,
        widget=forms.TextInput(attrs={"class": "vLargeTextField"}),
        help_text="One address.",
    )


class GroupForm(ForwardForm):
    endpoint_type = Endpoint.Type.EMAIL_GROUP
    config_fields = ["emails", *SHARED]

    emails = forms.CharField(
        label="Members",
        widget=forms.Textarea(attrs={"class": "vLargeTextField", "rows": 8}),
        help_text=f"1 to {GROUP_LIMIT} addresses, one on a line. Each gets a mail of its own.",
    )

    def shown(self, name: str, value: Any) -> Any:
        return "\n".join(value) if name == "emails" else value

    def clean_emails(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["emails"].splitlines() if line.strip()]


FORMS: dict[str, type[EndpointForm]] = {form.endpoint_type: form for form in (WebhookForm, EmailForm, GroupForm)}
TITLES = {
    Endpoint.Type.WEBHOOK.value: ("Webhook", "Each mail is posted to a URL, signed."),
    Endpoint.Type.EMAIL.value: ("Address", "Each mail is forwarded to one address."),
    Endpoint.Type.EMAIL_GROUP.value: ("Group", f"Each mail is forwarded to up to {GROUP_LIMIT} addresses."),
}
