from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("domains", "0010_deletion_request"),
    ]

    operations = [
        migrations.AddField(
            "domaindeletion", "announced_at", models.DateTimeField(blank=True, editable=False, null=True)
        ),
        migrations.AddIndex(
            "domaindeletion",
            models.Index(
                condition=models.Q(announced_at=None, proved_at__isnull=False),
                fields=["proved_at"],
                name="deletions_unannounced",
            ),
        ),
        # What was proven before is no news.
        migrations.RunSQL(
            "UPDATE domains_domaindeletion SET announced_at = proved_at WHERE proved_at IS NOT NULL",
            migrations.RunSQL.noop,
        ),
    ]
