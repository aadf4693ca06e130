from django.contrib import admin

from readerstudy.common.admin_base import RecordAdmin
from readerstudy.jobs.models import Job, WorkerSeen


@admin.register(Job)
class JobAdmin(RecordAdmin):
    list_display = ["title", "kind", "state", "asked_by", "asked_at", "finished_at", "worker"]
    list_filter = ["kind", "state", "queue"]
    list_select_related = ["asked_by"]
    search_fields = ["title", "about"]


@admin.register(WorkerSeen)
class WorkerSeenAdmin(RecordAdmin):
    list_display = ["name", "queues", "torch", "seen_at"]
    search_fields = ["name"]
