from django.db import migrations, models

from rest.row_counts.triggers import Counted

COUNTED = Counted(
    "addresses_emailaddress",
    "domains_domain",
    "domain_id",
    {"address_count": "", "active_address_count": "is_active"},
)


class Migration(migrations.Migration):
    dependencies = [
        ("addresses", "0003_row_counts"),
    ]

    operations = COUNTED.around(
        migrations.AddConstraint(
            model_name="emailaddress",
            constraint=models.CheckConstraint(
                condition=models.Q(("address__contains", "\n"), _negated=True), name="address_is_one_line"
            ),
        ),
    )
