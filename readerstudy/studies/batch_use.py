"""What studies say to the removal of a batch: which of them use it, and who has seen the truth of its radiographs."""

from typing import Any

from django.db.models import Q

from readerstudy.cases.models import Batch, Case
from readerstudy.cases.removing import batch_removed, let_go, use_asked
from readerstudy.studies.models import Study
from readerstudy.studies.seen import SeenTruth


def connect() -> None:
    use_asked.connect(_titles, dispatch_uid="studies-of-batch")
    batch_removed.connect(_keep_who_has_seen, dispatch_uid="seen-truth-of-batch")


def _titles(batch: Batch, **_: Any) -> list[str]:
    """Drafts count: their examples are of the batch."""
    uses = Q(selections__batch=batch) | Q(examples__prediction__case__batch=batch)
    return [f"“{title}”" for title in Study.objects.filter(uses).order_by().values_list("title", flat=True).distinct()]


def _keep_who_has_seen(batch: Batch, **_: Any) -> tuple[dict[str, int], list[str]]:
    """Whoever has seen the truth of a radiograph that another batch holds too has seen it there."""
    seen = SeenTruth.objects.filter(case__batch=batch)
    elsewhere = Case.objects.exclude(batch=batch).exclude(pixel_sha256="")
    same: dict[str, list[int]] = {}
    wanted = seen.order_by().values("case__pixel_sha256")
    for pixels, pk in elsewhere.filter(pixel_sha256__in=wanted).values_list("pixel_sha256", "pk"):
        same.setdefault(pixels, []).append(pk)
    SeenTruth.objects.bulk_create(
        [
            SeenTruth(user_id=user, case_id=pk)
            for user, pixels in seen.values_list("user", "case__pixel_sha256")
            for pk in same.get(pixels, ())
        ],
        ignore_conflicts=True,
    )
    let_go(seen)
    return {}, []
