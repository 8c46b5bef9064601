from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ses_integration", "0009_last_sweep"),
    ]

    operations = [
        migrations.AddField(
            model_name="rulesetstate",
            name="rules_per_set",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Learned when SES refused one rule more; if empty, the documented quota applies.",
                null=True,
            ),
        ),
    ]
