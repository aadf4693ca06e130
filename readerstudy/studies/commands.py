"""What the command lines of studies share."""

from django.core.management.base import CommandError

from readerstudy.studies.models import Study


def study_named(slug: str) -> Study:
    """Raises CommandError, with how to make one, when no study is called so."""
    study = Study.objects.filter(slug=slug).first()
    if study is None:
        raise CommandError(f"There is no study “{slug}”. Studies are made in the browser: Home, New study.")
    return study
