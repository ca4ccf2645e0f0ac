from typing import Any

from django.db import migrations


def forget(apps: Any, schema_editor: Any) -> None:
    """Their seals lack at whose message a phrase was known. They last as long as a session; who needs one says it again."""
    apps.get_model("access", "ProvedPhrase").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0027_office_seals"),
    ]

    operations = [
        migrations.RunPython(forget, migrations.RunPython.noop, elidable=True),
    ]
