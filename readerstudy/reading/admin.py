from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from simple_history.admin import SimpleHistoryAdmin

from readerstudy.accounts.access import administrator
from readerstudy.common.admin_base import AskingAdmin, HouseAdmin, RecordAdmin
from readerstudy.reading.exclusions import exclude
from readerstudy.reading.models import (
    Assignment,
    Exclusion,
    Mail,
    Read,
    Reader,
    ReadReopening,
    Response,
    Sequence,
    Visit,
)
from readerstudy.studies import looking


class AnswersAdmin(AskingAdmin, RecordAdmin):
    """Answers of a study that is not closed are shown to who said why on its results page; that is recorded."""

    def shown(self, request: HttpRequest) -> QuerySet[Any]:
        studies = looking.shown_studies(request)
        looking.record_all(request, studies, administrator(request), "answers in the Django admin")
        rows: QuerySet[Any] = self.model._default_manager.filter(assignment__read__reader__study__in=studies)
        return rows

    def where_to_ask(self, request: HttpRequest) -> list[tuple[str, str]]:
        return looking.hidden_answers(request)


@admin.register(ReadReopening)
class ReadReopeningAdmin(RecordAdmin):
    list_display = ["at", "read", "by", "why", "finished_at"]
    list_select_related = ["read__reader", "by"]
    search_fields = ["why", "read__reader__code", "read__reader__study__slug"]


@admin.register(Reader)
class ReaderAdmin(HouseAdmin, SimpleHistoryAdmin):
    """The profile can be corrected. Readers come by joining a study, and withdraw on its page of people."""

    list_display = ["code", "study", "person", "specialty", "years_experience", "consented_at", "withdrawn_at"]
    list_filter = ["study"]
    list_select_related = ["study", "membership__user"]
    search_fields = ["code", "study__slug", "membership__user__email"]
    readonly_fields = ["study", "code", "person", "joined_at", "consented_at", "consent_sha256", "instructions_read_at"]
    readonly_fields += ["wants_mails", "withdrawn_at", "withdrawn_why"]
    fields = ["specialty", "years_experience", "ai_experience", *readonly_fields]

    @admin.display(ordering="membership__user__username")
    def person(self, reader: Reader) -> str:
        return str(reader.membership.user) if reader.membership else ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Read)
class ReadAdmin(RecordAdmin):
    list_display = ["number", "reader", "study", "opened_at", "finished_at"]
    list_filter = ["reader__study", "number"]
    list_select_related = ["reader__study"]
    search_fields = ["reader__code", "reader__study__slug"]

    @admin.display(ordering="reader__study__slug")
    def study(self, read: Read) -> str:
        return read.reader.study.slug


@admin.register(Mail)
class MailAdmin(RecordAdmin):
    list_display = ["at", "read", "reader", "kind", "number", "state", "tries", "error"]
    list_filter = ["kind", "state"]
    list_select_related = ["read__reader"]
    search_fields = ["read__reader__code", "read__reader__study__slug"]

    @admin.display(ordering="read__reader__code")
    def reader(self, mail: Mail) -> str:
        return mail.read.reader.code


@admin.register(Sequence)
class SequenceAdmin(RecordAdmin):
    list_display = ["reader", "example", "methods"]
    list_filter = ["reader__study"]
    list_select_related = ["reader", "example"]
    search_fields = ["reader__code", "reader__study__slug"]


@admin.register(Assignment)
class AssignmentAdmin(RecordAdmin):
    list_display = ["reader", "number", "position", "example", "method"]
    list_filter = ["read__reader__study", "read__number", "method__key"]
    list_select_related = ["read__reader", "example", "method"]
    search_fields = ["read__reader__code", "read__reader__study__slug"]

    @admin.display(ordering="read__reader__code")
    def reader(self, assignment: Assignment) -> str:
        return assignment.read.reader.code

    @admin.display(description="read", ordering="read__number")
    def number(self, assignment: Assignment) -> int:
        return assignment.read.number


@admin.register(Visit)
class VisitAdmin(AnswersAdmin):
    list_display = ["opened_at", "reader", "assignment", "visible_ms", "answered_ms"]
    list_filter = ["assignment__read__reader__study"]
    list_select_related = ["assignment__read__reader"]
    search_fields = ["assignment__read__reader__code", "comment"]

    @admin.display(ordering="assignment__read__reader__code")
    def reader(self, visit: Visit) -> str:
        return visit.assignment.read.reader.code


@admin.register(Response)
class ResponseAdmin(AnswersAdmin):
    list_display = ["received_at", "reader", "example", "key", "score", "revision", "source"]
    list_filter = ["assignment__read__reader__study", "question__key", "source"]
    list_select_related = ["assignment__read__reader", "assignment__example", "question"]
    search_fields = ["assignment__read__reader__code", "assignment__read__reader__study__slug"]

    @admin.display(ordering="assignment__read__reader__code")
    def reader(self, response: Response) -> str:
        return response.assignment.read.reader.code

    @admin.display(ordering="assignment__example__number")
    def example(self, response: Response) -> str:
        return str(response.assignment.example)

    @admin.display(description="question", ordering="question__key")
    def key(self, response: Response) -> str:
        return response.question.key


@admin.register(Exclusion)
class ExclusionAdmin(HouseAdmin):
    """Append-only: an exclusion is added, and lifted on the study's pages; it is never edited or deleted."""

    list_display = ["at", "study", "example", "reader", "read", "response", "why", "by", "lifted_at"]
    list_filter = ["study"]
    list_select_related = ["study", "example", "reader", "read", "response", "by"]
    search_fields = ["why", "study__slug"]
    autocomplete_fields = ["study", "example", "reader", "read", "response"]
    readonly_fields = ["by", "at", "lifted_why", "lifted_by", "lifted_at"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Exclusion, form: Any, change: bool) -> None:
        thing = obj.example or obj.reader or obj.read or obj.response
        if thing is None:
            raise ValidationError("Name one thing to exclude.")
        obj.pk = exclude(obj.study, thing, obj.why, administrator(request)).pk
