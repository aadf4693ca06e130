"""A person who joins a study as reader gets a code, and reads once the study is open."""

import re
from typing import Any

from readerstudy.reading.allocation.drawing import allocate_reader
from readerstudy.reading.models import Reader
from readerstudy.studies.models import Membership, Study


def next_code(study: Study) -> str:
    """R1, R2, ... in the order of joining; a code is never used again."""
    numbers = [re.fullmatch(r"R(\d+)", code) for code in study.readers.values_list("code", flat=True)]
    return f"R{max((int(number[1]) for number in numbers if number), default=0) + 1}"


def on_joined(membership: Membership, **_: Any) -> None:
    """Receiver of studies.signals.invitation_accepted; runs inside the joining transaction."""
    if membership.role != Membership.Role.READER:
        return
    study = Study.objects.select_for_update().get(pk=membership.study_id)  # two who join at once get two codes
    reader = Reader.objects.create(study=study, membership=membership, code=next_code(study))
    if study.state == Study.State.OPEN:
        allocate_reader(reader)
