"""Rights that were changed for one reader."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0017_rights_templates")]

    operations = [migrations.AddField("reader", "rights", models.BinaryField(null=True))]
