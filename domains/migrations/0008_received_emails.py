from typing import Any

from django.db import migrations, models
from django.db.models import F, Q

STEPS = [
    ("owed", "Pending"),
    ("done", "Done"),
    ("kept", "Kept"),
    ("superseded", "Superseded: the domain was added again"),
]
CONSTRAINT = "finished_deletion_has_no_pending_step"


def finished(*steps: str) -> models.CheckConstraint:
    condition = Q()
    for step in steps:
        condition &= ~Q(**{step: "owed"})
    return models.CheckConstraint(condition=Q(finished_at=None) | condition, name=CONSTRAINT)


def fill_in(apps: Any, editor: Any) -> None:
    """No mail has rows yet, so the new step of earlier deletions is done with the other rows."""
    deletions = apps.get_model("domains", "DomainDeletion").objects
    deletions.filter(rows="done").update(received_emails="done", received_emails_at=F("rows_at"))
    if editor.connection.vendor == "postgresql":
        # With checks pending, PostgreSQL refuses to alter the table.
        editor.connection.check_constraints()


class Migration(migrations.Migration):
    dependencies = [("domains", "0007_long_texts")]

    operations = [
        migrations.AddField(
            model_name="domaindeletion",
            name="received_emails",
            field=models.CharField(choices=STEPS, default="owed", max_length=10),
        ),
        migrations.AddField(
            model_name="domaindeletion",
            name="received_emails_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="domaindeletion",
            name="erased_emails",
            field=models.PositiveBigIntegerField(
                default=0, help_text="Received emails: a mail for one recipient each."
            ),
        ),
        migrations.AddField(
            model_name="domaindeletion",
            name="erased_attachments",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="domaindeletion",
            name="erased_email_bytes",
            field=models.PositiveBigIntegerField(default=0, help_text="Size of their mails in the bucket."),
        ),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
        migrations.RemoveConstraint("domaindeletion", CONSTRAINT),
        migrations.AddConstraint(
            "domaindeletion", finished("rules", "identity", "rows", "received_emails", "stored_mail")
        ),
    ]
