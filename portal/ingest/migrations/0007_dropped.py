"""One more state: deleted by a rule. The column stays as it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ingest", "0006_approval_asked")]

    operations = [
        migrations.AlterField(
            "spooled",
            "state",
            models.CharField(
                choices=[
                    ("received", "Received"),
                    ("sealed", "Sealed"),
                    ("relaying", "Relaying"),
                    ("done", "Done"),
                    ("held", "Held"),
                    ("refused", "Refused"),
                    ("dropped", "Dropped"),
                ],
                default="received",
                max_length=8,
            ),
        ),
    ]
