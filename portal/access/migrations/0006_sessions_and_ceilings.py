import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0005_second_factor"),
        ("branding", "0002_ways_in"),
        ("vault", "0003_split"),
    ]

    operations = [
        migrations.CreateModel(
            name="AskedSender",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("note", models.BinaryField(default=b"")),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="CeilingReached",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("ceiling", models.CharField(choices=[("network", "Network"), ("brand", "Brand")], max_length=7)),
                ("began_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="asked",
            name="around",
            field=models.BinaryField(db_default=b"", default=b"", max_length=32),
        ),
        migrations.AddField(
            model_name="asked",
            name="brand",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="branding.brand"
            ),
        ),
        migrations.AddField(
            model_name="asked",
            name="network",
            field=models.BinaryField(db_default=b"", default=b"", max_length=32),
        ),
        migrations.AddIndex(
            model_name="asked",
            index=models.Index(fields=["brand", "-at"], name="asked_by_brand"),
        ),
        migrations.AddIndex(
            model_name="asked",
            index=models.Index(fields=["network", "-at"], name="asked_by_network"),
        ),
        migrations.AddIndex(
            model_name="asked",
            index=models.Index(fields=["around", "-at"], name="asked_by_network_around"),
        ),
        migrations.AddField(
            model_name="askedsender",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="askedsender",
            name="reader",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="vault.reader"),
        ),
        migrations.AddField(
            model_name="ceilingreached",
            name="brand",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="branding.brand"),
        ),
        migrations.AddIndex(
            model_name="askedsender",
            index=models.Index(fields=["-at"], name="asked_sender_by_time"),
        ),
        migrations.AddConstraint(
            model_name="ceilingreached",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)),
                fields=("brand", "ceiling"),
                name="ceiling_reached_once_at_a_time",
            ),
        ),
    ]
