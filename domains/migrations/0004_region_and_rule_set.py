from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("domains", "0003_bucket"),
    ]

    operations = [
        migrations.AddField(
            model_name="domaindeletion",
            name="region",
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddField(
            model_name="domaindeletion",
            name="rule_set",
            field=models.CharField(blank=True, max_length=64),
        ),
    ]
