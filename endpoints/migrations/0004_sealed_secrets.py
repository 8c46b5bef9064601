from typing import Any

from django.db import migrations, models

from endpoints.webhooks import sealing, signing

WEBHOOK = models.Q(type="webhook")


def seal(apps: Any, editor: Any) -> None:
    """Move the secrets of webhooks out of their configs. A webhook without one gets a new one."""
    endpoints = apps.get_model("endpoints", "Endpoint").objects.using(editor.connection.alias)
    for endpoint in endpoints.filter(WEBHOOK).only("config").iterator():
        config = dict(endpoint.config)
        endpoint.sealed_secret = sealing.seal(config.pop("secret", None) or signing.new_secret())
        config.setdefault("verificationToken", signing.new_token())
        endpoint.config = config
        endpoint.save(update_fields=["config", "sealed_secret"])


def unseal(apps: Any, editor: Any) -> None:
    endpoints = apps.get_model("endpoints", "Endpoint").objects.using(editor.connection.alias)
    for endpoint in endpoints.filter(WEBHOOK).only("config", "sealed_secret").iterator():
        endpoint.config = {**endpoint.config, "secret": sealing.unseal(endpoint.sealed_secret)}
        endpoint.save(update_fields=["config"])


class Migration(migrations.Migration):
    dependencies = [("endpoints", "0003_filter_indexes")]

    operations = [
        migrations.AddField(
            "endpoint", "inactive_reason", models.CharField(blank=True, editable=False, max_length=500)
        ),
        migrations.AddField("endpoint", "sealed_secret", models.TextField(blank=True, editable=False)),
        migrations.AddField("endpoint", "sealed_previous_secret", models.TextField(blank=True, editable=False)),
        migrations.AddField(
            "endpoint", "previous_secret_until", models.DateTimeField(blank=True, editable=False, null=True)
        ),
        migrations.RunPython(seal, unseal),
        migrations.AddConstraint(
            "endpoint",
            models.CheckConstraint(
                condition=WEBHOOK & ~models.Q(sealed_secret="") | ~WEBHOOK & models.Q(sealed_secret=""),
                name="webhooks_have_a_signing_secret",
            ),
        ),
    ]
