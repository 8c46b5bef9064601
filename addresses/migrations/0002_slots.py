"""From the rule that carries an address to its slot: the same rules as before."""

from collections import defaultdict
from typing import Any

from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def give_slots(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    EmailAddress: Any = apps.get_model("addresses", "EmailAddress")
    limit = settings.SES_MAX_RECIPIENTS_PER_RULE
    following: dict[str, int] = defaultdict(int)
    rows = list(EmailAddress.objects.order_by("chunk", "created_at", "pk").only("pk", "domain_id", "chunk"))
    for row in rows:
        # Behind the last one where the limit was lowered since, and the rule holds more.
        row.slot = max((row.chunk - 1) * limit, following[row.domain_id])
        following[row.domain_id] = row.slot + 1
    EmailAddress.objects.bulk_update(rows, ["slot"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("addresses", "0001_initial")]

    operations = [
        migrations.AddField("emailaddress", "slot", models.PositiveIntegerField(editable=False, null=True)),
        migrations.RunPython(give_slots, migrations.RunPython.noop),
        migrations.AlterField("emailaddress", "slot", models.PositiveIntegerField(editable=False)),
        migrations.RemoveConstraint("emailaddress", "chunks_count_from_one"),
        migrations.RemoveField("emailaddress", "chunk"),
        migrations.AddConstraint(
            "emailaddress", models.UniqueConstraint(fields=["domain", "slot"], name="slot_once_per_domain")
        ),
    ]
