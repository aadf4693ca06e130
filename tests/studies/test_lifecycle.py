"""A study opens only when complete, says what is missing, and changes only as a new version."""

import hashlib
import json

import pytest
from django.core.exceptions import ValidationError

from readerstudy.explanations.models import Explanation
from readerstudy.reading.models import Assignment
from readerstudy.studies.checklist import checklist, ready
from readerstudy.studies.lifecycle import close_study, new_version, open_study
from readerstudy.studies.models import Membership, Study
from readerstudy.studies.protocol import published_protocol, truth_commitment
from tests.builders import make_member, make_reader, make_study, make_user, open_now

pytestmark = pytest.mark.django_db


def complete(study):
    study.instructions, study.consent = "Look at the predicted pathology only.", "I take part freely."
    study.save()
    for example in study.examples.all():
        for kind, parameters in (("input_gradient", {}), ("latentshift_map", {"search": "default"})):
            example.explanations.add(
                Explanation.objects.create(
                    prediction=example.prediction, kind=kind, key=kind, status="done", parameters=parameters
                )
            )
    return study


def missing(study):
    return " ".join(check.text for check in checklist(study) if check.state == "missing")


def test_the_checklist_names_each_missing_thing():
    study = Study.objects.create(slug="empty", title="Empty")
    text = missing(study)
    for part in ("instructions", "consent text", "Two to four methods", "at least one question", "Select examples"):
        assert part in text
    study = make_study()
    assert "8 explanations not rendered: run `precompute --study trial`" in missing(study)
    with pytest.raises(ValidationError, match="not rendered"):
        open_study(study)
    study.refresh_from_db()
    assert study.is_draft


def test_a_label_that_gives_the_method_away_is_a_warning():
    study = complete(make_study())
    study.methods.filter(key="B").update(label="Latent shift")
    [warning] = [check for check in checklist(study) if "may tell readers" in check.text]
    assert warning.state == "warning" and "“Latent shift”" in warning.text
    assert ready(study)


def test_failed_explanations_do_not_count_as_rendered():
    study = complete(make_study())
    bad = study.examples.first().explanations.first()
    bad.status, bad.error = "failed", "constant map"
    bad.save()
    assert "1 explanation not rendered (1 failed" in missing(study)


def test_what_was_rendered_with_other_parameters_does_not_open():
    old = open_study(complete(make_study()))
    draft = new_version(Study.objects.get(pk=old.pk))
    assert ready(draft)
    draft.render_parameters = {"search": "paper-2021"}
    draft.save()
    assert "4 explanations rendered with other settings" in missing(draft)
    draft.render_parameters = {"steps": 10}  # changes nothing that this study shows
    draft.save()
    assert ready(draft)
    Explanation.objects.filter(kind="input_gradient").update(algorithm_version=0)
    assert "4 explanations rendered with other settings or by an earlier version" in missing(draft)


def test_opening_freezes_hashes_and_allocates():
    study = complete(make_study())
    make_reader(study, user=make_user("reader"))
    user = make_member(study, "researcher", "researcher")
    assert ready(study)
    study = open_study(study, user)
    assert (study.state, study.opened_by, len(study.protocol_sha256)) == ("open", user, 64)
    assert Assignment.objects.count() == 8
    with pytest.raises(ValidationError, match="open already"):
        open_study(study)


def test_a_practice_example_without_a_truth_is_missing_something():
    study = complete(make_study())
    practice = study.examples.last()
    practice.practice, practice.number = True, 1
    practice.save()
    practice.prediction.case.truths.all().delete()
    assert "1 example without truth" in missing(study)


def test_a_new_version_finds_a_free_address_that_fits():
    study = open_now(make_study("a" * 60))
    taken = Study.objects.create(slug=f"{'a' * 50}-v2", title="Another")
    draft = new_version(study)
    assert draft.slug not in (study.slug, taken.slug)
    draft.full_clean(exclude=["instructions", "consent"])


def test_a_practice_patient_may_not_be_scored():
    study = complete(make_study())
    practice = study.examples.last()
    practice.practice, practice.number = True, 1
    practice.save()
    case = practice.prediction.case
    case.patient_key = study.examples.first().prediction.case.patient_key
    case.save()
    assert "Practice examples 1 share a patient" in missing(study)


def test_closing_is_for_good():
    study = close_study(open_study(complete(make_study())))
    assert study.state == "closed"
    with pytest.raises(ValidationError, match="only an open study"):
        close_study(study)


def test_a_new_version_is_a_draft_copy_without_readers():
    study = complete(make_study())
    make_reader(study, user=make_user("reader"))
    make_member(study, "researcher", "researcher")
    old = open_study(study)
    draft = new_version(Study.objects.get(pk=old.pk))
    assert (draft.slug, draft.protocol_version, draft.state) == ("trial-v2", 2, "draft")
    assert draft.previous_version == old
    assert draft.methods.count() == 2 and draft.questions.count() == 2
    assert [e.explanations.count() for e in draft.examples.all()] == [2, 2, 2, 2]
    assert list(draft.memberships.values_list("role", flat=True)) == [Membership.Role.RESEARCHER]
    draft.seed = 5
    draft.save()
    old.refresh_from_db()
    assert old.state == "open" and old.methods.count() == 2
    with pytest.raises(ValidationError, match="has a next version"):
        new_version(old)


def test_the_protocol_commits_to_the_truth_and_tells_it_after_closing_only():
    study = complete(make_study())
    assert "truth_commitment" not in published_protocol(study)
    study = open_study(study)
    public = published_protocol(study)
    assert len(public["truth_commitment"]) == 64 and "truth_salt" not in public
    assert study.truth_salt not in json.dumps(public)
    assert truth_commitment(study, "another salt") != public["truth_commitment"]
    closed = published_protocol(close_study(study))
    labels = sorted(
        [truth.case.public_id, truth.pathology, truth.label]
        for example in study.examples.all()
        for truth in example.prediction.case.truths.filter(pathology=example.prediction.pathology)
    )
    by_hand = hashlib.sha256(f"{closed['truth_salt']}\n{json.dumps(labels)}".encode()).hexdigest()
    assert by_hand == closed["truth_commitment"]
