from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from simple_history.admin import SimpleHistoryAdmin

from readerstudy.cases.models import Batch, BatchRemoval, Case, Prediction, Truth, UploadVersion
from readerstudy.cases.truths import shown_truths, where_to_ask
from readerstudy.common.admin_base import AskingAdmin, HouseAdmin, RecordAdmin


@admin.register(Batch)
class BatchAdmin(RecordAdmin):
    list_display = ["name", "source", "simulated", "loaded_at", "loaded_by"]
    list_filter = ["simulated"]
    list_select_related = ["loaded_by"]
    search_fields = ["name", "source"]


@admin.register(BatchRemoval)
class BatchRemovalAdmin(RecordAdmin):
    list_display = ["name", "at", "by", "why"]
    list_select_related = ["by"]
    search_fields = ["name", "why"]


@admin.register(Case)
class CaseAdmin(HouseAdmin):
    """Sex, age and view can be corrected until a study that shows the case opens; the rest comes from loading."""

    list_display = ["public_id", "batch", "dataset", "view", "sex", "age", "practice"]
    list_filter = ["batch", "dataset", "practice", "sex"]
    list_select_related = ["batch"]
    search_fields = ["public_id", "source_id", "batch__name"]
    _editable = ("view", "sex", "age")

    def get_readonly_fields(self, request, obj=None):  # type: ignore[no-untyped-def]
        return [field.name for field in Case._meta.fields if field.name not in self._editable]

    def has_add_permission(self, request):  # type: ignore[no-untyped-def]
        return False

    def has_delete_permission(self, request, obj=None):  # type: ignore[no-untyped-def]
        return False


@admin.register(Truth)
class TruthAdmin(AskingAdmin, SimpleHistoryAdmin):
    """A wrong label can be corrected until a study that uses it opens; the old one stays in the history."""

    list_display = ["case", "pathology", "label", "provenance"]
    list_filter = ["pathology", "label", "case__batch"]
    list_select_related = ["case"]
    search_fields = ["case__public_id", "pathology", "provenance"]
    autocomplete_fields = ["case"]
    readonly_fields = ["mask", "confounder"]

    def shown(self, request: HttpRequest) -> QuerySet[Truth]:
        return shown_truths(request, Case.objects.all())

    def where_to_ask(self, request: HttpRequest) -> list[tuple[str, str]]:
        return where_to_ask(request, Case.objects.all())


@admin.register(Prediction)
class PredictionAdmin(RecordAdmin):
    list_display = ["case", "pathology", "probability", "model", "created_at"]
    list_filter = ["pathology", "model", "case__batch"]
    list_select_related = ["case"]
    search_fields = ["case__public_id", "pathology"]


@admin.register(UploadVersion)
class UploadVersionAdmin(RecordAdmin):
    list_display = ["token", "version", "changed_at"]
    search_fields = ["token"]
