from django.apps import AppConfig

from readerstudy.jobs.kinds import JobKind
from readerstudy.studies.navigation import Tab


class StudiesConfig(AppConfig):
    name = "readerstudy.studies"
    default_auto_field = "django.db.models.BigAutoField"
    job_kinds = [
        JobKind(
            "precompute",
            "Render",
            run="readerstudy.studies.jobs:render_study",
            ask="readerstudy.studies.jobs:ask_for_rendering",
            access="readerstudy.studies.jobs:may_see",
            page="explanations",
            form="readerstudy.studies.jobs:RenderJobForm",
            queue="gpu",
            needs_torch=True,
        ),
        JobKind(
            "evaluate",
            "Measure",
            run="readerstudy.studies.jobs:measure_study",
            ask="readerstudy.studies.jobs:ask_for_measures",
            access="readerstudy.studies.jobs:may_see",
            page="measures",
            form="readerstudy.studies.jobs:MeasureJobForm",
        ),
    ]
    study_tabs = [
        Tab("study", "Overview", "study", 1),
        Tab("design", "Design", "study_design", 2),
        Tab("methods", "Methods", "study_methods", 3),
        Tab("questions", "Questions", "study_questions", 4),
        Tab("plan", "Analysis plan", "study_plan", 5),
        Tab("examples", "Examples", "study_examples", 6),
        Tab("explanations", "Explanations", "study_explanations", 7),
        Tab("people", "People", "people", 8),
    ]

    def ready(self) -> None:
        from readerstudy.studies import batch_use, freezing, looking, roles
        from readerstudy.studies.pages import token

        batch_use.connect()
        freezing.connect()
        looking.connect()
        roles.connect()
        token.connect()
