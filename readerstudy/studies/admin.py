from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from simple_history.admin import SimpleHistoryAdmin

from readerstudy.common.admin_base import HouseAdmin, RecordAdmin
from readerstudy.studies.invitations import InvitationError, join
from readerstudy.studies.models import (
    Example,
    Invitation,
    Look,
    MailPlan,
    Membership,
    Method,
    Question,
    Reopening,
    Selection,
    Study,
)
from readerstudy.studies.seen import SeenTruth


@admin.register(Study)
class StudyAdmin(HouseAdmin, SimpleHistoryAdmin):
    """Opening, closing and versions have their own pages, which check; here only a draft's text can be edited."""

    list_display = ["title", "slug", "state", "protocol_version", "simulated", "created_at", "opened_at", "closed_at"]
    list_filter = ["state", "simulated", "from_spreadsheets"]
    search_fields = ["title", "slug"]
    readonly_fields = [
        "preset",
        "state",
        "previous_version",
        "protocol_version",
        "created_by",
        "created_at",
        "opened_by",
        "opened_at",
        "closed_by",
        "closed_at",
        "protocol_sha256",
    ]


class StudyPartAdmin(HouseAdmin):
    list_select_related = ["study"]
    autocomplete_fields = ["study"]


@admin.register(Method)
class MethodAdmin(StudyPartAdmin, SimpleHistoryAdmin):
    list_display = ["label", "key", "study", "position", "kinds"]
    list_filter = ["study"]
    search_fields = ["label", "key", "study__slug", "study__title"]


@admin.register(Question)
class QuestionAdmin(StudyPartAdmin, SimpleHistoryAdmin):
    list_display = ["text", "key", "study", "position", "minimum", "maximum"]
    list_filter = ["study"]
    search_fields = ["text", "key", "study__slug", "study__title"]


@admin.register(MailPlan)
class MailPlanAdmin(StudyPartAdmin, SimpleHistoryAdmin):
    list_display = ["study", "sends_washout_end", "idle_days", "most_reminders"]
    search_fields = ["study__slug", "study__title"]


@admin.register(Membership)
class MembershipAdmin(HouseAdmin, SimpleHistoryAdmin):
    """A new member joins as by invitation (a reader gets a code and reads). A role is not changed: roles exclude."""

    list_display = ["user", "role", "study", "created_at"]
    list_filter = ["role", "study"]
    list_select_related = ["user", "study"]
    search_fields = ["user__username", "user__email", "study__slug", "study__title"]
    autocomplete_fields = ["user", "study"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = self.has_module_permission(request)
        return may and (obj is None or obj.role != Membership.Role.READER)  # a reader withdraws, and stays on record

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        try:
            obj.pk = join(obj.study, obj.user, obj.role).pk
        except InvitationError as error:
            raise ValidationError(str(error)) from error


@admin.register(Invitation)
class InvitationAdmin(RecordAdmin):
    """Sent, renewed and revoked on the study's page of people."""

    list_display = ["email", "role", "study", "created_at", "expires_at", "accepted_at", "revoked_at"]
    list_filter = ["role", "study"]
    list_select_related = ["study"]
    search_fields = ["email", "study__slug", "study__title"]


@admin.register(Selection)
class SelectionAdmin(RecordAdmin):
    list_display = ["study", "batch", "seed", "created_by", "created_at"]
    list_filter = ["study", "batch"]
    list_select_related = ["study", "batch", "created_by"]
    search_fields = ["study__slug", "batch__name"]


@admin.register(Example)
class ExampleAdmin(RecordAdmin):
    """Chosen by select_examples and on the study's pages, which keep numbers and patients in order."""

    list_display = ["number", "practice", "study", "case", "pathology"]
    list_filter = ["study", "practice", "prediction__pathology"]
    list_select_related = ["study", "prediction__case"]
    search_fields = ["prediction__case__public_id", "study__slug"]

    @admin.display(ordering="prediction__case__public_id")
    def case(self, example: Example) -> str:
        return example.prediction.case.public_id

    @admin.display(ordering="prediction__pathology")
    def pathology(self, example: Example) -> str:
        return example.prediction.pathology


@admin.register(Reopening)
class ReopeningAdmin(RecordAdmin):
    list_display = ["at", "study", "by", "why", "closed_at"]
    list_filter = ["study"]
    list_select_related = ["study", "by"]
    search_fields = ["why", "study__slug"]


@admin.register(Look)
class LookAdmin(RecordAdmin):
    list_display = ["at", "study", "user", "account", "what", "why"]
    list_filter = ["study", "what"]
    list_select_related = ["study", "user"]
    search_fields = ["why", "what", "user__username", "study__slug"]


@admin.register(SeenTruth)
class SeenTruthAdmin(RecordAdmin):
    list_display = ["at", "user", "case"]
    list_select_related = ["user", "case"]
    search_fields = ["user__username", "case__public_id"]
