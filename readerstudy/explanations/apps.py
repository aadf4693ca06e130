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
        from readerstudy.cases.removing import batch_removed
        from readerstudy.explanations import system_checks
        from readerstudy.explanations.removing import let_go_of_batch

        system_checks.connect()
        batch_removed.connect(let_go_of_batch, dispatch_uid="explanations-of-batch")
