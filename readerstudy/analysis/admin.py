from django.contrib import admin

from readerstudy.analysis.models import Analysis
from readerstudy.common.admin_base import RecordAdmin


@admin.register(Analysis)
class AnalysisAdmin(RecordAdmin):
    """Results are left out here: looking at them before a study is closed is recorded on the study's own page."""

    list_display = ["started_at", "study", "status", "responses", "started_by", "finished_at"]
    list_filter = ["status", "study"]
    list_select_related = ["study", "started_by"]
    search_fields = ["study__slug", "error"]
    exclude = ["results", "report", "archive"]
