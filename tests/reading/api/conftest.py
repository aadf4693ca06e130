"""A reader at the API."""

import pytest
from django.test import Client
from django.utils import timezone

from readerstudy.explanations.models import Explanation
from readerstudy.reading.allocation.drawing import allocate_study
from tests.builders import make_reader, make_study, make_user, open_now, pin_new


@pytest.fixture
def me():
    """A reader in an open study of four examples, through consent, profile and instructions, with read 1 open."""
    study = make_study(examples=4)
    pin_new(
        [
            (example, Explanation(prediction_id=example.prediction_id, kind=kind, key=kind, status="done"))
            for example in study.examples.all()
            for kind in ("input_gradient", "latentshift_map")
        ]
    )
    reader = make_reader(study, user=make_user("reader"))
    reader.consented_at = reader.instructions_read_at = timezone.now()
    reader.specialty = "radiology"
    reader.save()
    open_now(study)
    allocate_study(study)
    reader.refresh_from_db()
    reader.reads.filter(number=1).update(opened_at=timezone.now())
    return reader


@pytest.fixture
def client(me):
    client = Client()
    client.force_login(me.membership.user)
    return client
