"""Each answer's own times. Columns are added, no row is touched: responses are append-only (append_only.py)."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reading', '0002_comment_untouched_or_cleared'),
    ]

    operations = [
        migrations.AddField(
            model_name='response',
            name='elapsed_ms',
            field=models.PositiveIntegerField(blank=True, help_text="From the visit's opening to this answer.", null=True),
        ),
        migrations.AddField(
            model_name='response',
            name='visible_ms',
            field=models.PositiveIntegerField(blank=True, help_text='Of that, while the page was visible.', null=True),
        ),
    ]
