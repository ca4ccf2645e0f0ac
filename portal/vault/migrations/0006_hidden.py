"""What a reader has taken out of their list."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0005_parcels")]

    operations = [migrations.AddField("reader", "hidden_at", models.DateTimeField(null=True))]
