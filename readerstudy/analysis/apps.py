from django.apps import AppConfig

from readerstudy.jobs.kinds import JobKind
from readerstudy.studies.navigation import Tab


class AnalysisConfig(AppConfig):
    name = "readerstudy.analysis"
    default_auto_field = "django.db.models.BigAutoField"
    study_tabs = [Tab("results", "Results", "results", 12)]
    study_pages = {"results": "results", "power_before": "power_before"}
    job_kinds = [
        JobKind(
            "analyze",
            "Run the analysis",
            run="readerstudy.analysis.jobs:analyze",
            ask="readerstudy.analysis.jobs:ask_for_analysis",
            access="readerstudy.studies.jobs:may_see",
            page="results",
            time_limit="ANALYSIS_TIME_LIMIT",
        )
    ]
