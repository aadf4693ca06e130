from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from explain.evaluate.metrics import label_free
from readerstudy.cases.models import Case
from readerstudy.cases.truths import shown_truths, where_to_ask
from readerstudy.common.admin_base import AskingAdmin, HouseAdmin, RecordAdmin
from readerstudy.explanations.models import Explanation, ExplanationFile, ExternalKind, Measurement


@admin.register(Explanation)
class ExplanationAdmin(RecordAdmin):
    list_display = ["kind", "case", "pathology", "status", "external", "seconds", "device", "created_at"]
    list_filter = ["status", "kind", "external", "prediction__pathology", "prediction__case__batch"]
    list_select_related = ["prediction__case"]
    search_fields = ["prediction__case__public_id", "error", "model"]

    @admin.display(ordering="prediction__case__public_id")
    def case(self, explanation: Explanation) -> str:
        return explanation.prediction.case.public_id

    @admin.display(ordering="prediction__pathology")
    def pathology(self, explanation: Explanation) -> str:
        return explanation.prediction.pathology


@admin.register(ExplanationFile)
class ExplanationFileAdmin(RecordAdmin):
    list_display = ["kind", "role", "format", "width", "height", "file"]
    list_filter = ["role", "format", "explanation__kind"]
    list_select_related = ["explanation"]
    search_fields = ["explanation__prediction__case__public_id", "sha256"]

    @admin.display(ordering="explanation__kind")
    def kind(self, file: ExplanationFile) -> str:
        return file.explanation.kind


@admin.register(ExternalKind)
class ExternalKindAdmin(HouseAdmin):
    """Made when a batch is loaded; title and text may be edited. A study that is open keeps those it opened with."""

    list_display = ["name", "title", "shows"]
    search_fields = ["name", "title"]
    readonly_fields = ["name", "shows"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Measurement)
class MeasurementAdmin(RecordAdmin, AskingAdmin):
    """Values that tell the truth of a case are shown as the truth itself is: to who said why."""

    list_display = ["metric", "kind", "case", "value", "error", "measured_at"]
    list_filter = ["metric", "explanation__kind", "explanation__prediction__case__batch"]
    list_select_related = ["explanation__prediction__case"]
    search_fields = ["explanation__prediction__case__public_id", "error"]

    def shown(self, request: HttpRequest) -> QuerySet[Measurement]:
        truths = shown_truths(request, Case.objects.all())
        shown = Q(metric__in=label_free()) | Q(explanation__prediction__case__in=truths.values("case"))
        return Measurement.objects.filter(shown)

    def where_to_ask(self, request: HttpRequest) -> list[tuple[str, str]]:
        return where_to_ask(request, Case.objects.all())

    @admin.display(ordering="explanation__kind")
    def kind(self, measurement: Measurement) -> str:
        return measurement.explanation.kind

    @admin.display(ordering="explanation__prediction__case__public_id")
    def case(self, measurement: Measurement) -> str:
        return measurement.explanation.prediction.case.public_id
