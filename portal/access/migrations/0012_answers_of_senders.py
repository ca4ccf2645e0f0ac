from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("access", "0011_errand")]

    operations = [
        migrations.AddField(
            model_name="askedsender",
            name="answer",
            field=models.CharField(
                blank=True, choices=[("sent", "Sent"), ("no", "No")], db_default="", default="", max_length=4
            ),
        ),
    ]
