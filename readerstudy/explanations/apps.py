from django.apps import AppConfig

from readerstudy.jobs.kinds import JobKind


class ExplanationsConfig(AppConfig):
    name = "readerstudy.explanations"
    default_auto_field = "django.db.models.BigAutoField"
    job_kinds = [
        JobKind(
            "predict",
            "Predict",
            run="readerstudy.explanations.jobs:predict_batch",
            ask="readerstudy.explanations.jobs:ask_for_predictions",
            access="readerstudy.explanations.jobs:may_see",
            page="batch",
            form="readerstudy.explanations.jobs:PredictForm",
            queue="gpu",
            needs_torch=True,
        )
    ]

    def ready(self) -> None:
        from readerstudy.explanations import system_checks

        system_checks.connect()
