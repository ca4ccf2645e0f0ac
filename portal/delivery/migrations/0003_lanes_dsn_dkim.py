"""Domains with their own pace, wishes to be told, what was heard of a mail after it left, and keys for DKIM."""

import uuid

from django.db import migrations, models

NO_LANE = uuid.UUID(int=0)
NEWS = [
    ("failed", "Failed"),
    ("delayed", "Delayed"),
    ("delivered", "Delivered"),
    ("relayed", "Relayed"),
    ("expanded", "Expanded"),
]
KINDS = [
    ("notice", "Notice"),
    ("passcode", "Passcode"),
    ("reply", "Reply"),
    ("relay", "Relay"),
    ("telling", "Telling"),
    ("report", "Report"),
]


class Migration(migrations.Migration):
    dependencies = [("delivery", "0002_share")]

    # Every new column is nullable or has its default in the database, so that code from before goes on writing rows.
    operations = [
        migrations.AlterField("outbound", "kind", models.CharField(choices=KINDS, max_length=10)),
        migrations.AddField("outbound", "lane", models.UUIDField(default=NO_LANE, db_default=NO_LANE)),
        migrations.AddField("outbound", "tls", models.CharField(blank=True, default="", db_default="", max_length=12)),
        migrations.AddField("outbound", "dsn", models.BinaryField(null=True)),
        migrations.AddField(
            "outbound",
            "news",
            models.CharField(blank=True, choices=NEWS, default="", db_default="", max_length=9),
        ),
        migrations.AddField(
            "outbound", "heard", models.CharField(blank=True, default="", db_default="", max_length=16)
        ),
        migrations.AddField("outbound", "told_delay_at", models.DateTimeField(null=True)),
        migrations.AddField("outbound", "told_failure_at", models.DateTimeField(null=True)),
        migrations.AddIndex("outbound", models.Index(fields=["leased_until"], name="delivery_ou_leased_idx")),
        migrations.CreateModel(
            name="Lane",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("name", models.BinaryField(default=b"")),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("rests_until", models.DateTimeField(null=True)),
                ("last_answer", models.CharField(blank=True, max_length=120)),
                ("last_at", models.DateTimeField(null=True)),
                ("sts", models.BinaryField(default=b"")),
                ("sts_until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="TlsResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lane", models.UUIDField()),
                ("day", models.DateField()),
                ("result", models.CharField(max_length=40)),
                ("policy", models.CharField(max_length=16)),
                ("sessions", models.PositiveIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["lane", "day", "result", "policy"], name="tls_result_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="DkimKey",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("domain", models.CharField(max_length=253)),
                ("selector", models.CharField(max_length=63)),
                ("private", models.BinaryField()),
                ("public", models.TextField()),
                ("active", models.BooleanField(default=False)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["domain", "selector"], name="dkim_selector_once"),
                    models.UniqueConstraint(
                        fields=["domain"],
                        condition=models.Q(("active", True)),
                        name="one_active_dkim_key",
                    ),
                ],
            },
        ),
    ]
