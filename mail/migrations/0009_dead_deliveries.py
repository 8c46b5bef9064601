from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("endpoints", "0004_sealed_secrets"),
        ("mail", "0008_queue_length"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "dead")),
                fields=["-created_at", "-id"],
                include=("endpoint", "received", "finished_at"),
                name="deliveries_dead",
            ),
        ),
        # Last, because reads wait from here on until the transaction ends.
        migrations.RemoveIndex(
            model_name="delivery",
            name="dead_deliveries",
        ),
    ]
