import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from rest.row_counts.field import RowCount
from rest.row_counts.triggers import Counted

ADDRESSES = Counted(
    "addresses_emailaddress",
    "domains_domain",
    "domain_id",
    {"address_count": "", "active_address_count": "is_active"},
)
BLOCKED_EMAILS = Counted("addresses_blockedemail", "domains_domain", "domain_id", {"blocked_email_count": ""})
DNS_RECORDS = Counted("domains_dnsrecord", "domains_domain", "domain_id", {"dns_record_count": ""})
SHARES = Counted("domains_domainaccess", "domains_domain", "domain_id", {"share_count": ""})


class Migration(migrations.Migration):
    dependencies = [
        # For the triggers of its tables.
        ("addresses", "0005_inactive_newest_first"),
        ("domains", "0011_announced_deletions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        *ADDRESSES.around(
            *BLOCKED_EMAILS.around(*DNS_RECORDS.around(migrations.AddField("domain", "share_count", RowCount())))
        ),
        migrations.AddField(
            "domaindeletion",
            "readers",
            models.ManyToManyField(blank=True, related_name="readable_deletions", to=settings.AUTH_USER_MODEL),
        ),
        migrations.CreateModel(
            name="DomainAccess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("role", models.CharField(choices=[("viewer", "Viewer"), ("manager", "Manager")], max_length=7)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "domain",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="accesses", to="domains.domain"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="domain_accesses",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "access",
                "verbose_name_plural": "accesses",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "domain"),
                        name="one_access_per_user_and_domain",
                        violation_error_code="unique",
                        violation_error_message=(
                            "The domain is already shared with this account. Change the role of its access instead."
                        ),
                    ),
                    models.CheckConstraint(condition=models.Q(("role__in", ["viewer", "manager"])), name="access_role"),
                ],
            },
        ),
        SHARES.migration(),
    ]
