"""A visit's comment: null where the reader did not touch it. Until now that was empty, and a cleared one looked the same."""

from typing import Any

from django.db import migrations, models


def untouched(apps: Any, schema_editor: Any) -> None:
    apps.get_model("reading", "Visit").objects.filter(comment="").update(comment=None)


def emptied(apps: Any, schema_editor: Any) -> None:
    apps.get_model("reading", "Visit").objects.filter(comment=None).update(comment="")


class Migration(migrations.Migration):

    dependencies = [
        ('reading', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='visit',
            name='comment',
            field=models.TextField(blank=True, help_text='Null: not touched in this visit. Empty: the reader cleared it.', null=True),
        ),
        migrations.RunPython(untouched, emptied),
    ]
