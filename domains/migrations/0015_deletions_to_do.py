from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("domains", "0014_exports_of_deletions"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="domaindeletion",
            index=models.Index(
                condition=models.Q(
                    ("finished_at", None), models.Q(("restorable_until", None), ("rules", "owed"), _connector="OR")
                ),
                fields=["started_at"],
                name="deletions_to_do",
            ),
        ),
    ]
