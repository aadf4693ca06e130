"""Opening, editing, joining and copying a study at once, on PostgreSQL: each happens once, or to one of them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client

from readerstudy.accounts.models import User
from readerstudy.reading.models import Assignment, Read
from readerstudy.studies import invitations
from readerstudy.studies.lifecycle import new_version, open_study
from readerstudy.studies.models import Study
from tests.builders import make_member, make_study
from tests.reading.test_concurrency import at_once
from tests.studies.test_invitations import PASSWORD, invited
from tests.studies.test_lifecycle import complete

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a database with several writers"),
]


def refusing(action: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    """The action, answering with its refusal instead of raising it."""

    def run() -> Any:
        try:
            return action(*arguments)
        except ValidationError as error:
            return error

    return run


def test_opening_editing_and_joining_at_once():
    study = complete(make_study(examples=4))
    ann = make_member(study, "ann", "researcher")
    links = [invitations.link_path(invited(study, f"new{number}@example.org")) for number in (1, 2)]
    design = {"title": "Late", "instructions": "i", "consent": "c", "washout_days": 0, "allocation": "random"}
    design |= {"order": "mixed", "seed": 9, "drag_direction": "standard"}
    editor = Client()
    editor.force_login(ann)
    results = at_once(
        refusing(open_study, study, ann),
        refusing(open_study, study, ann),
        lambda: editor.post("/studies/trial/design/", design).status_code,
        *[lambda link=link: Client().post(link, PASSWORD).status_code for link in (links[0], links[0], links[1])],
    )
    assert sorted(isinstance(result, ValidationError) for result in results[:2]) == [False, True]
    assert sorted(results[3:5]) == [302, 410] and results[5] == 302, "one link makes one account"
    study.refresh_from_db()
    assert study.state == "open"
    assert (study.title == "Late") == (results[2] == 302), "an edit is saved before the opening, or refused"
    assert sorted(study.readers.values_list("code", flat=True)) == ["R1", "R2"]
    assert sorted(study.readers.values_list("rotation", flat=True)) == [0, 1]
    assert (User.objects.count(), Read.objects.count(), Assignment.objects.count()) == (3, 4, 16)
    versions = at_once(refusing(new_version, study), refusing(new_version, study))
    assert sorted(isinstance(version, Study) for version in versions) == [False, True]
