from django.db import migrations

from rest.row_counts.field import RowCount
from rest.row_counts.triggers import Counted

COUNTS = ("address_count", "active_address_count", "blocked_email_count", "dns_record_count")


class Migration(migrations.Migration):
    dependencies = [
        ("domains", "0002_list_indexes"),
    ]

    operations = [
        *(migrations.AddField("domain", name, RowCount()) for name in COUNTS),
        Counted("domains_dnsrecord", "domains_domain", "domain_id", {"dns_record_count": ""}).migration(),
    ]
