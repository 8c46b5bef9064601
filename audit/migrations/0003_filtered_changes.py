from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_append_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RenameIndex(
            model_name="change",
            old_name="changes_of_owner",
            new_name="changes_of_owner_before",
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(
                fields=["owner", "-id"], include=("action", "object_type", "door"), name="changes_of_owner"
            ),
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(fields=["action", "-id"], name="changes_by_action"),
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(fields=["door", "-id"], name="changes_by_door"),
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(
                condition=models.Q(("who", ""), _negated=True), fields=["who", "-id"], name="changes_by_author"
            ),
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(
                condition=models.Q(("request_id", ""), _negated=True), fields=["request_id"], name="changes_of_request"
            ),
        ),
        # Last, because reads wait from here on until the transaction ends.
        migrations.RemoveIndex(
            model_name="change",
            name="changes_of_owner_before",
        ),
    ]
