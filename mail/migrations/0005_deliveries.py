import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import rest.ids


class Migration(migrations.Migration):
    dependencies = [("endpoints", "0003_filter_indexes"), ("mail", "0004_routing")]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="state",
            field=models.CharField(
                choices=[
                    ("arrived", "Arrived"),
                    ("ingested", "Read"),
                    ("missing", "Missing: S3 does not have it"),
                    ("erasing", "Erasing"),
                ],
                default="arrived",
                max_length=8,
            ),
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=rest.ids.bare_id, editable=False, max_length=255, primary_key=True, serialize=False
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("due", "Due"),
                            ("delivered", "Delivered"),
                            ("dead", "Given up"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="due",
                        max_length=9,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                (
                    "attempts_before",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Attempts before it was last asked for again: the schedule counts from there.",
                    ),
                ),
                (
                    "retry_at",
                    models.DateTimeField(
                        blank=True,
                        default=django.db.models.functions.datetime.Now,
                        help_text="When the next attempt may begin.",
                        null=True,
                    ),
                ),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                (
                    "expires_at",
                    models.DateTimeField(help_text="When it is given up, however few attempts were possible."),
                ),
                ("last_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "response",
                    models.JSONField(
                        blank=True, default=dict, help_text="`responseData` of the API, from the last attempt."
                    ),
                ),
                ("problem", models.CharField(blank=True, help_text="Why it waits, or is dead.", max_length=500)),
                ("endpoint_name", models.CharField(max_length=255)),
                ("payload", models.CharField(default="full", max_length=5)),
                (
                    "body_digest",
                    models.CharField(blank=True, help_text="SHA-256 of the body of the first attempt.", max_length=64),
                ),
                ("created_at", models.DateTimeField(default=django.db.models.functions.datetime.Now)),
            ],
            options={
                "verbose_name_plural": "deliveries",
            },
        ),
        migrations.CreateModel(
            name="DeliveryAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("at", models.DateTimeField(default=django.db.models.functions.datetime.Now)),
                ("seconds", models.FloatField(blank=True, null=True)),
                ("status_code", models.PositiveIntegerField(blank=True, null=True)),
                ("error", models.CharField(blank=True, max_length=500)),
                (
                    "excerpt",
                    models.TextField(blank=True, help_text="The beginning of the answer, at most 2,000 characters."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="EndpointGate",
            fields=[
                (
                    "endpoint",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="gate",
                        serialize=False,
                        to="endpoints.endpoint",
                    ),
                ),
                ("failures", models.PositiveIntegerField(default=0, help_text="In a row.")),
                ("gone", models.PositiveIntegerField(default=0, help_text="Answers 410 in a row.")),
                ("bounces", models.PositiveIntegerField(default=0, help_text="Permanent bounces in a row.")),
                (
                    "dropped",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Addresses that nothing is forwarded to any more, each with the reason.",
                    ),
                ),
                ("not_before", models.DateTimeField(blank=True, null=True)),
                ("is_slow", models.BooleanField(default=False, help_text="Its last answer took long.")),
                (
                    "down_since",
                    models.DateTimeField(blank=True, help_text="When the first of these failures was.", null=True),
                ),
                ("problem", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "verbose_name": "endpoint with problems",
                "verbose_name_plural": "endpoints with problems",
            },
        ),
        migrations.CreateModel(
            name="ForwardRecipient",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(max_length=320)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("bounced", "Bounced"),
                            ("complained", "Complained"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("ses_message_id", models.CharField(blank=True, max_length=255, verbose_name="SES message id")),
                ("error", models.CharField(blank=True, max_length=500)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="MessageReference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "digest",
                    models.CharField(help_text="Of the Message-ID in lower case, without brackets.", max_length=32),
                ),
                ("is_own", models.BooleanField(default=False)),
            ],
        ),
        migrations.AddField(
            model_name="delivery",
            name="endpoint",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="deliveries",
                to="endpoints.endpoint",
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="received",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="mail.receivedemail",
            ),
        ),
        migrations.AddField(
            model_name="deliveryattempt",
            name="delivery",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="log", to="mail.delivery"
            ),
        ),
        migrations.AddField(
            model_name="forwardrecipient",
            name="delivery",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="recipients",
                to="mail.delivery",
            ),
        ),
        migrations.AddField(
            model_name="messagereference",
            name="message",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="thread_references", to="mail.message"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "due")), fields=["endpoint", "retry_at"], name="deliveries_due"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("leased_until__isnull", False)), fields=["endpoint"], name="deliveries_leased"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "due")), fields=["expires_at"], name="deliveries_by_expiry"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["endpoint", "-created_at", "-id"],
                include=("state", "last_attempt_at"),
                name="deliveries_newest_first",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "dead")), fields=["-finished_at", "id"], name="dead_deliveries"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["-created_at", "-id"], name="deliveries_by_age"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("received", "endpoint"), name="delivery_once_per_endpoint"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["due", "delivered", "dead", "withdrawn"])), name="delivery_state"
            ),
        ),
        migrations.AddIndex(
            model_name="deliveryattempt",
            index=models.Index(fields=["at"], name="attempts_by_age"),
        ),
        migrations.AddConstraint(
            model_name="deliveryattempt",
            constraint=models.UniqueConstraint(fields=("delivery", "number"), name="attempt_once_per_number"),
        ),
        migrations.AddConstraint(
            model_name="forwardrecipient",
            constraint=models.UniqueConstraint(fields=("delivery", "address"), name="forward_once_per_address"),
        ),
        migrations.AddConstraint(
            model_name="forwardrecipient",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "sent", "failed", "bounced", "complained"])),
                name="forward_state",
            ),
        ),
        migrations.AddIndex(
            model_name="forwardrecipient",
            index=models.Index(
                condition=models.Q(("state__in", ["bounced", "complained"])),
                fields=["sent_at"],
                name="forwards_bounced",
            ),
        ),
        migrations.AddConstraint(
            model_name="messagereference",
            constraint=models.UniqueConstraint(fields=("digest", "message"), name="reference_once_per_message"),
        ),
    ]
