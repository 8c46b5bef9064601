from datetime import timedelta
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F
from django.utils import timezone

from rest.row_counts.triggers import Counted

ADDRESSES = Counted(
    "addresses_emailaddress",
    "domains_domain",
    "domain_id",
    {"address_count": "", "active_address_count": "is_active"},
)
BLOCKED_EMAILS = Counted("addresses_blockedemail", "domains_domain", "domain_id", {"blocked_email_count": ""})
DNS_RECORDS = Counted("domains_dnsrecord", "domains_domain", "domain_id", {"dns_record_count": ""})
STATUSES = [("pending", "Pending"), ("verified", "Verified"), ("failed", "Failed")]
# Nothing but these is needed for receiving (docs/api/compatibility.md, "DNS records").
REQUIRED = (
    models.Q(name__startswith="_amazonses.")
    | models.Q(name__contains="._domainkey.")
    | models.Q(record_type="MX", value__contains="inbound-smtp.")
)


def fill_in(apps: Any, editor: Any) -> None:
    domains, records = apps.get_model("domains", "Domain").objects, apps.get_model("domains", "DnsRecord").objects
    domains.filter(status="verified").update(unverified_since=None, verified_at=F("updated_at"))
    # Not all at once: the worker checks the verified ones on the first day.
    now = timezone.now()
    verified = list(domains.filter(status="verified").only("pk"))
    for number, domain in enumerate(verified):
        domain.next_check = now + timedelta(days=1) * (number / len(verified))
    domains.bulk_update(verified, ["next_check"], batch_size=500)
    records.filter(is_verified=True).update(state="verified")
    records.exclude(REQUIRED).update(is_required=False)
    _check_foreign_keys(editor)


def fill_back(apps: Any, editor: Any) -> None:
    apps.get_model("domains", "DnsRecord").objects.filter(state="verified").update(is_verified=True)
    _check_foreign_keys(editor)


def _check_foreign_keys(editor: Any) -> None:
    """Make PostgreSQL check the updated rows now. With checks pending, it refuses to alter the table."""
    if editor.connection.vendor == "postgresql":
        editor.connection.check_constraints()


class Migration(migrations.Migration):
    dependencies = [
        # For the triggers of its tables.
        ("addresses", "0005_inactive_newest_first"),
        ("domains", "0005_filter_indexes"),
        ("endpoints", "0003_filter_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = ADDRESSES.around(
        *BLOCKED_EMAILS.around(
            *DNS_RECORDS.around(
                migrations.AddField(
                    "domain",
                    "mail_from_label",
                    models.CharField("MAIL FROM label", default="mail", max_length=63),
                ),
                migrations.AddField(
                    "domain",
                    "mail_from_chosen",
                    models.BooleanField(
                        "MAIL FROM chosen",
                        default=False,
                        help_text="By the owner. Otherwise an identity that exists keeps what it has.",
                    ),
                ),
                migrations.AddField("domain", "checking_since", models.DateTimeField(default=timezone.now)),
                migrations.AddField("domain", "last_check", models.DateTimeField(blank=True, null=True)),
                migrations.AddField(
                    "domain",
                    "missing_since",
                    models.DateTimeField("required DNS record missing since", blank=True, null=True),
                ),
                migrations.AddField(
                    "domain", "next_check", models.DateTimeField(blank=True, default=timezone.now, null=True)
                ),
                migrations.AddField(
                    "domain",
                    "status_reason",
                    models.CharField(blank=True, max_length=500, help_text="Why the domain is not verified."),
                ),
                migrations.AddField(
                    "domain", "unverified_since", models.DateTimeField(blank=True, default=timezone.now, null=True)
                ),
                migrations.AddField("domain", "verified_at", models.DateTimeField(blank=True, null=True)),
                migrations.AddField("domain", "proven_at", models.DateTimeField(blank=True, null=True)),
                migrations.AddField(
                    "dnsrecord",
                    "problem",
                    models.CharField(blank=True, max_length=500, help_text="What the owner should do about it."),
                ),
                migrations.AddField(
                    "dnsrecord",
                    "state",
                    models.CharField(
                        blank=True,
                        max_length=8,
                        choices=[("verified", "Verified"), ("missing", "Missing"), ("wrong", "Wrong")],
                        help_text="What DNS last answered.",
                    ),
                ),
                migrations.RunPython(fill_in, fill_back),
                migrations.RemoveField("dnsrecord", "is_verified"),
                migrations.AddConstraint(
                    "dnsrecord",
                    models.CheckConstraint(
                        condition=models.Q(state__in=["", "verified", "missing", "wrong"]), name="dns_record_state"
                    ),
                ),
                migrations.AddIndex(
                    "domain",
                    models.Index(
                        fields=["next_check"], condition=models.Q(deleting_since=None), name="domains_by_next_check"
                    ),
                ),
                migrations.CreateModel(
                    "StatusChange",
                    [
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("before", models.CharField(choices=STATUSES, max_length=8)),
                        ("after", models.CharField(choices=STATUSES, max_length=8)),
                        ("reason", models.CharField(max_length=500)),
                        ("at", models.DateTimeField()),
                        (
                            "domain",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="status_changes",
                                to="domains.domain",
                            ),
                        ),
                    ],
                ),
                migrations.AddIndex(
                    "statuschange",
                    models.Index(fields=["domain", "-at", "-id"], name="status_changes_newest_first"),
                ),
            )
        )
    )
