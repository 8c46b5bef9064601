from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ses_integration", "0007_mail_probe"),
    ]

    operations = [
        migrations.CreateModel(
            name="SendingLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("region", models.CharField(max_length=32, unique=True)),
                ("next_slot", models.DateTimeField()),
                ("per_second", models.FloatField()),
                ("per_day", models.FloatField()),
                ("sent", models.FloatField()),
                ("ask_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="ledgeridentity",
            name="feedback_off",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Whether SES reports bounces only as events, and not also by mail.",
            ),
        ),
    ]
