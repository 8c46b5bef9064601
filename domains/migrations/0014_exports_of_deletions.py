from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("domains", "0013_grace_period"),
    ]

    operations = [
        migrations.AddField(
            model_name="domaindeletion",
            name="exports",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                help_text="In the bucket. They are erased first.",
            ),
        ),
    ]
