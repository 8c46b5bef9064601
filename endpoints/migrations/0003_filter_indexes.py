from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("endpoints", "0002_named_domains"),
    ]

    operations = [
        migrations.AddIndex(
            "endpoint", models.Index(fields=["owner", "type", "-created_at"], name="endpoints_by_type")
        ),
        migrations.AddIndex(
            "endpoint", models.Index(fields=["owner", "is_active", "-created_at"], name="endpoints_by_active")
        ),
    ]
