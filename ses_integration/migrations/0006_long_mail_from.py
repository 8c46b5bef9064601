from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ses_integration", "0005_change_log"),
    ]

    operations = [
        migrations.AlterField(
            model_name="ledgeridentity",
            name="mail_from_domain",
            field=models.CharField(blank=True, max_length=320),
        ),
    ]
