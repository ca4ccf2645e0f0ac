"""A brand's words by language, its logo, its addresses, and whether it is archived."""

import django.db.models.deletion
from django.db import migrations, models

from branding.tongues import known


def fold(apps, _schema):
    """What stood beside a message that waits becomes one of the words, in the brand's own language."""
    brands = apps.get_model("branding", "Brand").objects
    for brand in brands.exclude(intro="").filter(words={}):
        brands.filter(pk=brand.pk).update(words={known(brand.language) or "en-gb": {"welcome": brand.intro}})


class Migration(migrations.Migration):
    dependencies = [("branding", "0011_template")]

    operations = [
        migrations.AlterField("brand", "slug", models.SlugField(max_length=64, unique=True)),
        migrations.AddField("brand", "words", models.JSONField(blank=True, db_default={}, default=dict)),
        migrations.AddField("brand", "logo", models.CharField(blank=True, db_default="", default="", max_length=64)),
        migrations.AddField(
            "brand", "from_address", models.CharField(blank=True, db_default="", default="", max_length=254)
        ),
        migrations.AddField(
            "brand", "bounce_address", models.CharField(blank=True, db_default="", default="", max_length=254)
        ),
        migrations.AddField("brand", "archived_at", models.DateTimeField(blank=True, null=True)),
        migrations.CreateModel(
            "Logo",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64)),
                ("svg", models.TextField(blank=True, default="")),
                ("png", models.BinaryField(default=b"")),
                ("width", models.PositiveSmallIntegerField()),
                ("height", models.PositiveSmallIntegerField()),
                ("mail_png", models.BinaryField(default=b"")),
                ("mail_width", models.PositiveSmallIntegerField(default=0)),
                ("mail_height", models.PositiveSmallIntegerField(default=0)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="logos", to="branding.brand"
                    ),
                ),
            ],
            {"constraints": [models.UniqueConstraint(fields=["brand", "digest"], name="logo_once_a_brand")]},
        ),
        migrations.RunPython(fold, migrations.RunPython.noop),
    ]
