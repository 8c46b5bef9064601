from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mail", "0010_stalled_erasures"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="eventnotice",
            index=models.Index(fields=["created_at", "id"], name="notices_by_age"),
        ),
        migrations.RemoveIndex(
            model_name="eventnotice",
            name="notices_over",
        ),
    ]
