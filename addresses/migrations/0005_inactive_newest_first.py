from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("addresses", "0004_address_is_one_line"),
    ]

    operations = [
        migrations.AddIndex(
            "emailaddress",
            models.Index(
                fields=["-created_at", "id"], condition=models.Q(is_active=False), name="inactive_newest_first"
            ),
        ),
    ]
