from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("domains", "0004_counts_from_indexes"),
    ]

    operations = [
        migrations.AddIndex(
            "domain",
            models.Index(fields=["owner", field, "-created_at"], condition=models.Q(deleting_since=None), name=name),
        )
        for name, field in {"domains_by_status": "status", "domains_by_can_receive": "can_receive_emails"}.items()
    ]
