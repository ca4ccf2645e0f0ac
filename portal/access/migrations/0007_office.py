"""Roles beside owner, links that are mailed, and where an administrator's sign-in at a provider leads back to."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0006_sessions_and_ceilings"),
    ]

    operations = [
        migrations.AddField(
            model_name="entrylink",
            name="mailed",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="signin",
            name="goal",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
        # Only its words: the column stays as it is.
        migrations.AlterField(
            model_name="person",
            name="role",
            field=models.CharField(
                choices=[
                    ("reader", "Reader"),
                    ("owner", "Owner"),
                    ("admin", "Administrator"),
                    ("rules", "Rules"),
                    ("brands", "Brands"),
                    ("support", "Support"),
                    ("auditor", "Auditor"),
                ],
                default="reader",
                max_length=10,
            ),
        ),
    ]
