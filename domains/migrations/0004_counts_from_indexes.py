from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("domains", "0003_row_counts"),
    ]

    operations = [
        migrations.RemoveIndex("domain", "domains_of_owner"),
        migrations.AddIndex(
            "domain",
            models.Index(
                fields=["owner", "-created_at"], condition=models.Q(deleting_since=None), name="domains_of_owner"
            ),
        ),
        migrations.AddIndex(
            "domaindeletion",
            models.Index(fields=["owner"], condition=models.Q(finished_at__isnull=False), name="deletions_finished"),
        ),
    ]
