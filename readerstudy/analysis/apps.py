from django.apps import AppConfig

from readerstudy.studies.navigation import Tab


class AnalysisConfig(AppConfig):
    name = "readerstudy.analysis"
    default_auto_field = "django.db.models.BigAutoField"
    study_tabs = [Tab("results", "Results", "results", 12)]
    study_pages = {"results": "results", "power_before": "power_before"}
