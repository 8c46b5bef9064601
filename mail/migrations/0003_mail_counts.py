import django.db.models.deletion
from django.db import migrations, models

from rest.row_counts.periods import CountedByTime


class Migration(migrations.Migration):
    dependencies = [("mail", "0002_erased_mail")]

    operations = [
        migrations.CreateModel(
            name="MailCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "domain",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="mail_counts",
                        to="domains.domain",
                    ),
                ),
                ("unit", models.CharField(choices=[("all", "All"), ("day", "Day"), ("hour", "Hour")], max_length=4)),
                ("start", models.DateTimeField(help_text="When the day or hour begins (UTC).")),
                ("received", models.IntegerField()),
                ("archived", models.IntegerField(help_text="How many of these are archived.")),
            ],
        ),
        migrations.AddConstraint(
            model_name="mailcount",
            constraint=models.UniqueConstraint(fields=["unit", "start", "domain"], name="mail_count_once_per_period"),
        ),
        CountedByTime(
            "mail_receivedemail",
            "mail_mailcount",
            "domain_id",
            "arrived_at",
            {"received": "", "archived": "is_archived"},
        ).migration(),
        migrations.RemoveIndex(model_name="message", name="messages_by_age"),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["domain", "arrived_at"], include=["size", "state"], name="messages_by_age"),
        ),
        migrations.RemoveIndex(model_name="receivedemail", name="received_newest_first"),
        migrations.AddIndex(
            model_name="receivedemail",
            index=models.Index(
                fields=["owner", "-arrived_at", "-id"], include=["domain"], name="received_newest_first"
            ),
        ),
        migrations.AddIndex(
            model_name="receivedemail",
            index=models.Index(
                fields=["owner", "-arrived_at", "-id"],
                include=["domain"],
                condition=models.Q(is_archived=False),
                name="unarchived_newest_first",
            ),
        ),
    ]
