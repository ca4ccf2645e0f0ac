from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0004_bulk")]

    operations = [
        migrations.AddField(
            model_name="outbound",
            name="maybe_twice",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
