"""What goes with a batch that is removed: its explanations, their files, and whatever else belongs to one."""

from typing import Any

from django.db.models import CASCADE

from readerstudy.cases.models import Batch
from readerstudy.cases.removing import let_go
from readerstudy.explanations.models import Explanation


def let_go_of_batch(batch: Batch, **_: Any) -> tuple[dict[str, int], list[str]]:
    """Receives cases.removing.batch_removed."""
    explanations = Explanation.objects.filter(prediction__case__batch=batch)
    count, names = explanations.count(), []
    for relation in Explanation._meta.related_objects:
        if relation.on_delete is CASCADE:
            parts = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": explanations})
            names += let_go(parts)
    return {"explanations": count}, names + let_go(explanations)
