from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("explanations", "0004_measurement"),
    ]

    operations = [
        migrations.AddField(
            model_name="explanation",
            name="generator",
            field=models.CharField(blank=True, default="", max_length=120),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="explanation",
            name="generator_sha256",
            field=models.CharField(blank=True, default="", max_length=64),
            preserve_default=False,
        ),
    ]
