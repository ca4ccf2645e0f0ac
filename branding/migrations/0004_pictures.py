"""Whether a brand's readers may have pictures of the internet loaded."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("branding", "0003_forward_domains")]

    operations = [
        migrations.AddField(
            "brand",
            "pictures",
            models.CharField(
                choices=[("ask", "ask"), ("never", "never")], db_default="ask", default="ask", max_length=5
            ),
        )
    ]
