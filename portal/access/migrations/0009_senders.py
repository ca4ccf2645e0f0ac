"""Senders sign in at a provider, with sessions of their own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0008_sign_ins_of_a_network"),
    ]

    operations = [
        migrations.AddField(
            model_name="provider",
            name="senders",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="session",
            name="sender",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="signin",
            name="sender",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
