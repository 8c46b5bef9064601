from typing import Any

import django.utils.timezone
from django.db import migrations, models

from rest.row_counts.periods import CountedByTime

DISPOSITIONS = [
    ("received", "Not routed yet"),
    ("routed", "Routed to an endpoint"),
    ("stored", "Stored only"),
    ("blocked", "Blocked"),
    ("quarantined", "Quarantined"),
]

COUNTED = CountedByTime(
    "mail_receivedemail", "mail_mailcount", "domain_id", "arrived_at", {"received": "", "archived": "is_archived"}
)


def history() -> dict[str, Any]:
    return {"matched": None, "endpointId": None, "reason": "history"}


def leave_unread_to_routing(apps: Any, schema_editor: Any) -> None:
    received = apps.get_model("mail.ReceivedEmail").objects.using(schema_editor.connection.alias)
    received.filter(message__state__in=["arrived", "missing"]).update(disposition="received", route={})


class Migration(migrations.Migration):
    dependencies = [("mail", "0003_mail_counts")]

    operations = [
        migrations.AddField(
            model_name="mailsweep",
            name="deliver_since",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                help_text="Mail that arrived earlier and that only a sweep has found is not delivered.",
            ),
        ),
        *COUNTED.around(
            migrations.AddField(
                model_name="receivedemail",
                name="disposition",
                field=models.CharField(
                    choices=DISPOSITIONS,
                    # For mail that was read before there were deliveries.
                    default="stored",
                    max_length=11,
                ),
            ),
            migrations.AddField(
                model_name="receivedemail",
                name="route",
                field=models.JSONField(
                    blank=True, default=history, help_text="Where it was routed to, and why (mail/routing/route.py)."
                ),
            ),
            migrations.AlterField(
                model_name="receivedemail",
                name="disposition",
                field=models.CharField(choices=DISPOSITIONS, default="received", max_length=11),
            ),
            migrations.AlterField(
                model_name="receivedemail",
                name="route",
                field=models.JSONField(
                    blank=True, default=dict, help_text="Where it was routed to, and why (mail/routing/route.py)."
                ),
            ),
            migrations.RunPython(leave_unread_to_routing, migrations.RunPython.noop),
            migrations.AddIndex(
                model_name="receivedemail",
                index=models.Index(
                    condition=models.Q(("disposition__in", ["blocked", "quarantined"])),
                    fields=["disposition", "arrived_at"],
                    name="received_held_back",
                ),
            ),
            migrations.AddConstraint(
                model_name="receivedemail",
                constraint=models.CheckConstraint(
                    condition=models.Q(("disposition__in", ["received", "routed", "stored", "blocked", "quarantined"])),
                    name="received_disposition",
                ),
            ),
        ),
    ]
