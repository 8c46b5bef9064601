from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mail", "0012_imported_mail"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("problem", "The domain is being deleted."), ("state", "withdrawn")),
                fields=["received"],
                name="deliveries_to_resume",
            ),
        ),
    ]
