from django.db import migrations

from rest.row_counts.triggers import Counted


class Migration(migrations.Migration):
    dependencies = [
        ("addresses", "0002_list_indexes"),
        ("domains", "0003_row_counts"),
    ]

    operations = [
        Counted(
            "addresses_emailaddress",
            "domains_domain",
            "domain_id",
            {"address_count": "", "active_address_count": "is_active"},
        ).migration(),
        Counted("addresses_blockedemail", "domains_domain", "domain_id", {"blocked_email_count": ""}).migration(),
    ]
