from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("studies", "0013_mails"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="study",
            name="study_archived_is_closed",
        ),
        migrations.AddConstraint(
            model_name="study",
            constraint=models.CheckConstraint(
                condition=models.Q(("archived_at", None), models.Q(("state", "open"), _negated=True), _connector="OR"),
                name="study_archived_is_not_open",
            ),
        ),
    ]
