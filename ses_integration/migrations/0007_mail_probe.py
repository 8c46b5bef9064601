from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ses_integration", "0006_long_mail_from"),
    ]

    operations = [
        migrations.AddField(
            model_name="rulesetstate",
            name="mail_probe",
            field=models.CharField(
                blank=True,
                editable=False,
                help_text="The probe of ses_doctor that a mail worker or a web process has received last.",
                max_length=32,
            ),
        ),
    ]
