from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mail", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="deleted_for",
            field=models.JSONField(
                blank=True, default=list, help_text="Recipients whose email was deleted, while others kept theirs."
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="erased_at",
            field=models.DateTimeField(
                blank=True, help_text="When the bucket had no version of it any more.", null=True
            ),
        ),
    ]
