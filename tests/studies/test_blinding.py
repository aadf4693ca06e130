"""Blinding is per person and radiograph, over all studies: each path on which truth was read, and its like."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.urls import reverse

from readerstudy.accounts.models import User
from readerstudy.cases.models import Batch, Case, Prediction, Truth
from readerstudy.common.refusals import NotAllowed
from readerstudy.exchange.export import TABLES
from readerstudy.reading.feedback import practice_feedback
from readerstudy.reading.models import Assignment, Read
from readerstudy.reading.refusals import ReadRefused
from readerstudy.studies import invitations, lifecycle, looking
from readerstudy.studies.blinding import READS_THERE, member_conflicts
from readerstudy.studies.checklist import checklist
from readerstudy.studies.models import Example, Look, Membership, Study
from readerstudy.studies.selection import Draw, select_examples
from tests.builders import (
    add_image,
    make_batch,
    make_member,
    make_reader,
    make_reads,
    make_response,
    make_study,
    make_user,
    open_now,
)

pytestmark = pytest.mark.django_db
WHY = "a wrong label was reported"


@pytest.fixture
def batch() -> Batch:
    return with_images(make_batch("shared-cases", 8))


@pytest.fixture
def read_study(batch) -> Study:
    """Open; somebody reads in it, somebody else runs it."""
    study = make_study("read", batch=batch)
    make_reader(study, "R1", make_user("rita"))
    make_member(study, "olga", "researcher")
    return open_now(study)


@pytest.fixture
def other_study(read_study) -> Study:
    """A draft of which nothing is drawn yet; rita reads in the other one and runs this one."""
    study = make_study("other", batch=make_batch("of-its-own", 4))
    study.examples.all().delete()
    for name in ("rita", "carl"):
        user = make_user(name) if name == "carl" else read_study.memberships.get(role="reader").user
        Membership.objects.create(study=study, user=user, role="researcher")
    return study


def client_of(client, name: str):
    client.login(username=name, password="let-me-read-1")
    return client


def share(study: Study, batch: Batch, practice: bool = False) -> None:
    for number, prediction in enumerate(Prediction.objects.filter(case__batch=batch).order_by("id"), start=1):
        Example.objects.create(study=study, prediction=prediction, number=number, practice=practice)


def with_images(batch: Batch) -> Batch:
    for seed, case in enumerate(batch.cases.order_by("id")):
        add_image(case, seed, side=40)
    return batch


def loaded_again(batch: Batch) -> Batch:
    """Another batch of the same pictures, under other case ids."""
    return with_images(make_batch("copy", batch.cases.count()))


def says_truth(response) -> bool:
    return "true positive</td>" in response.text or "false positive</td>" in response.text


def draw_form(batch: Batch, **fields) -> dict:
    return {"batch": batch.pk, "per_pathology": 2, "practice": 0, "threshold": 0.5, "seed": 0, **fields}


@pytest.mark.parametrize("again", [False, True], ids=["same cases", "same pixels in another batch"])
def test_a_reader_does_not_see_the_truth_in_a_study_they_run(client, batch, read_study, other_study, again):
    drawn = loaded_again(batch) if again else batch
    page = reverse("study_examples", args=["other"])
    client_of(client, "rita")
    answer = client.post(page, draw_form(drawn, why=WHY))
    assert READS_THERE in answer.text and not other_study.examples.exists()
    share(other_study, drawn)  # somebody else drew
    assert not says_truth(client.get(page)) and READS_THERE in client.get(page).text
    assert client.post(reverse("study_truth", args=["other"]), {"why": WHY}).status_code == 403
    assert not says_truth(client.get(page)) and not Look.objects.exists()
    open_now(other_study)
    other_study.state, other_study.closed_at = "closed", other_study.opened_at
    other_study.save()
    for name in ("results", "results_report", "results_archive", "power", "api_reads"):
        assert client.get(reverse(name, args=["other"]), {"why": WHY}).status_code == 403, name
    for table in TABLES:
        given = client.get(reverse("results_download", args=["other", table.name])).status_code
        assert given == (403 if table.with_truth else 200), table.name
    read_study.state, read_study.closed_at = "closed", read_study.opened_at
    read_study.save()
    assert says_truth(client.get(page))


def test_a_reader_of_a_draft_is_refused_too(batch):
    """It will open; what was seen before is not forgotten."""
    draft, other = make_study("draft", batch=batch), make_study("other", batch=make_batch("of-its-own", 4))
    user = make_member(other, "rita", "researcher")
    make_reader(draft, "R1", user)
    with pytest.raises(ValidationError, match="Somebody else who runs this study can draw"):
        select_examples(other, batch, Draw(per_pathology=2), user=user, replace=True)


def test_others_see_it_for_a_reason_recorded_in_the_open_study(client, batch, read_study, other_study):
    page = reverse("study_examples", args=["other"])
    client_of(client, "carl")
    assert "say why you look" in client.post(page, draw_form(batch)).text
    assert client.post(page, draw_form(batch, why=WHY)).status_code == 302
    assert [(look.user.username, look.what) for look in read_study.looks.all()] == [("carl", "draw of examples")]
    assert not says_truth(client.get(page))
    assert client.post(reverse("study_truth", args=["other"]), {"why": WHY}, follow=True).status_code == 200
    assert says_truth(client.get(page))
    assert read_study.looks.filter(user__username="carl", what="truth of the examples", why=WHY).count() == 1
    assert client.get(reverse("study", args=["read"])).status_code == 404  # a reason opens no other study


def test_the_studys_own_researcher_gains_nothing_by_a_new_version(client, read_study):
    client_of(client, "olga")
    client.post(reverse("study_new_version", args=["read"]))
    page = reverse("study_examples", args=["read-v2"])
    assert not says_truth(client.get(page))
    client.post(reverse("study_truth", args=["read-v2"]), {"why": WHY})
    assert says_truth(client.get(page)) and read_study.looks.filter(user__username="olga", why=WHY).exists()


def test_a_reader_of_version_1_is_not_made_researcher_of_version_2(read_study):
    second = lifecycle.new_version(read_study, None)
    second.examples.all().delete()  # the versions alone are enough
    rita = read_study.memberships.get(role="reader").user
    with pytest.raises(invitations.InvitationError, match="must not see their truth"):
        invitations.join(second, rita, "researcher")
    rita.email = "Rita@Example.org"
    rita.save()
    with pytest.raises(invitations.InvitationError, match=r"rita@example\.org reads in a study"):
        invitations.invite(second, ["rita@example.org"], "researcher", make_user("boss", is_staff=True))
    assert invitations.join(second, rita, "reader")


@pytest.mark.parametrize("again", [False, True], ids=["same cases", "same pixels in another batch"])
def test_roles_are_checked_over_all_studies_of_the_same_radiographs(batch, again):
    one, other = make_study("one", batch=batch), make_study("two", batch=loaded_again(batch) if again else batch)
    ran, reads = make_member(one, "ran", "researcher"), make_user("reads")
    make_reader(one, "R1", reads)
    one.memberships.get(user=ran).delete()  # though removed since
    for study in (other, lifecycle.new_version(open_now(other), None)):
        with pytest.raises(invitations.InvitationError, match="could know it"):
            invitations.join(study, ran, "reader")
        for role in ("researcher", "administrator"):
            with pytest.raises(ValidationError, match="must not see their truth"):
                Membership.objects.create(study=study, user=reads, role=role)
        assert not study.memberships.exists()
    unrelated = make_study("unrelated")
    assert invitations.join(unrelated, ran, "reader") and invitations.join(unrelated, reads, "researcher")


def test_who_looked_at_the_truth_cannot_read(batch, read_study):
    looked = make_user("looked")
    Look.objects.create(study=read_study, user=looked, what="draw of examples", why=WHY)
    with pytest.raises(invitations.InvitationError, match="could know it"):
        invitations.join(make_study("third", batch=batch), looked, "reader")


def test_pages_that_count_truths_do_not_count_them_for_a_reader(client, batch, read_study, other_study):
    """With few examples a count is the truth, and so is what the checklist warns of."""
    share(other_study, batch)
    pages = [reverse(name, args=["other"]) for name in ("study", "study_open")]
    counts = re.compile(r"true and|>True positives<|alone separates|Examples need both")
    for name, shown in (("carl", True), ("rita", False)):
        client_of(client, name)
        said = "".join(client.get(page).text for page in pages)
        assert bool(counts.search(said)) is shown and (READS_THERE in said) is not shown, name
    allocation = reverse("study_allocation", args=["other"])
    assert client.get(allocation).status_code == 403
    assert client_of(client, "carl").get(allocation).status_code == 200


def test_opening_is_refused_while_roles_conflict_by_a_later_draw(batch, read_study, other_study):
    assert member_conflicts(other_study) == []
    share(other_study, batch)
    (sentence,) = member_conflicts(other_study)
    assert sentence.startswith("rita@example.org is researcher here and reads in a study of the same radiographs")
    assert ("missing", sentence) in [(check.state, check.text) for check in checklist(other_study)]


def test_conflicts_of_many_people_take_no_more_queries(batch, read_study, django_assert_max_num_queries):
    study = make_study("third", batch=batch)
    for number in range(12):
        make_reader(study, f"R{number + 1}", make_user(f"reader-{number}"))
    with django_assert_max_num_queries(10):
        assert member_conflicts(study) == []


def test_practice_of_one_study_does_not_tell_the_truth_of_another(batch):
    scoring, teaching = make_study("scoring", batch=batch), make_study("teaching")
    share(teaching, batch, practice=True)
    user = make_user("both")
    reader = make_reader(open_now(teaching), "R1", user)
    with pytest.raises(invitations.InvitationError, match="feedback in the practice"):
        invitations.join(scoring, user, "reader")
    Membership.objects.bulk_create([Membership(study=scoring, user=user, role="reader")])  # as before this rule
    make_reads(reader)
    practice = Read.objects.create(reader=reader, number=Read.PRACTICE)
    example = teaching.examples.filter(practice=True).first()
    assignment = Assignment.objects.create(read=practice, example=example, method=teaching.methods.first(), position=1)
    for question in teaching.questions.all():
        make_response(assignment, question, 3)
    with pytest.raises(ReadRefused, match="Another study asks you"):
        practice_feedback(assignment)
    open_now(scoring)
    scoring.state, scoring.closed_at = "closed", scoring.opened_at
    scoring.save()
    assert "truth" in practice_feedback(assignment)


def test_administrators_pages_hide_the_same_pixels_in_another_batch(client, batch, read_study):
    copy, root = loaded_again(batch), make_user("root", is_staff=True, is_superuser=True)
    client.force_login(root)
    truth = Truth.objects.filter(case__batch=copy).first()
    row = reverse("admin:cases_truth_change", args=[truth.pk])
    assert client.get(row).status_code == 403
    assert client.get(reverse("admin:cases_truth_history", args=[truth.pk])).status_code == 403
    batch_page = client.get(reverse("batch", args=["copy"]))
    assert reverse("study_examples", args=["read"]) in batch_page.text
    client.post(reverse("study_truth", args=["read"]), {"why": WHY})
    assert client.get(row).status_code == 200
    assert read_study.looks.get(user=root).what == "truth of cases"


def test_commands_ask_why_and_record_it_in_the_open_study(batch, read_study, other_study, tmp_path):
    command = ("select_examples", "--study", "other", "--batch", batch.name, "--per-pathology", "2")
    with pytest.raises(CommandError, match="say why"):
        call_command(*command)
    call_command(*command, "--why", WHY)
    assert read_study.looks.get().why == WHY and not other_study.looks.exists()
    open_now(other_study)
    other_study.state, other_study.closed_at = "closed", other_study.opened_at
    other_study.save()
    target = str(tmp_path / "reads.csv")
    with pytest.raises(CommandError, match="say why"):
        call_command("export_reads", "--study", "other", "--output", target)
    call_command("export_reads", "--study", "other", "--output", target, "--why", WHY)
    assert read_study.looks.filter(what="export long").count() == 1


def test_a_draw_needs_no_reason_while_no_open_study_shows_the_batch(batch):
    study = make_study("free", batch=make_batch("of-its-own", 4))
    assert select_examples(study, batch, Draw(per_pathology=2), replace=True).examples.count() == 4
    assert not Look.objects.exists()


def test_a_reader_is_refused_whatever_the_session_says(rf, batch, read_study, other_study):
    share(other_study, batch)
    request = rf.get("/")
    request.user, request.session = read_study.memberships.get(role="reader").user, {}
    with pytest.raises(NotAllowed):
        looking.truth_reason(request, other_study)
    with pytest.raises(NotAllowed):
        looking.record_look(other_study, "download long", request.user, WHY)
    assert Case.objects.exists() and not Look.objects.exists()


def test_what_was_seen_in_a_draft_is_not_forgotten_by_drawing_again(client, batch):
    """The truth of a draft asks for no reason, and a new draw removes the old one; who has seen it stays known."""
    draft, elsewhere = make_study("draft", batch=batch), make_study("elsewhere", batch=make_batch("own", 4))
    elsewhere.examples.all().delete()
    make_member(elsewhere, "carl", "researcher"), make_member(elsewhere, "anna", "researcher")
    client_of(client, "carl").post(reverse("study_examples", args=["elsewhere"]), draw_form(batch))
    assert says_truth(client_of(client, "anna").get(reverse("study_examples", args=["elsewhere"])))
    select_examples(elsewhere, Batch.objects.get(name="own"), Draw(per_pathology=2), replace=True)
    for name in ("carl", "anna"):
        with pytest.raises(invitations.InvitationError, match="could know it"):
            invitations.join(draft, User.objects.get(username=name), "reader")
    assert not Look.objects.exists(), "no open study was concerned"
    elsewhere.memberships.all().delete()
    elsewhere.delete()
    copy = make_study("same pixels", batch=loaded_again(batch))
    with pytest.raises(invitations.InvitationError, match="could know it"):
        invitations.join(copy, User.objects.get(username="carl"), "reader")
    assert invitations.join(make_study("unrelated"), User.objects.get(username="anna"), "reader")


def test_who_saw_it_before_the_reading_study_drew_them_stops_its_opening(client, batch):
    seen, later = make_study("seen", batch=batch), make_study("later", batch=make_batch("own", 4))
    later.examples.all().delete()
    make_member(seen, "carl", "researcher")
    client_of(client, "carl").get(reverse("study_examples", args=["seen"]))
    seen.examples.all().delete()
    make_reader(later, "R1", User.objects.get(username="carl"))
    assert member_conflicts(later) == []
    share(later, batch)
    assert "could know it" in member_conflicts(later)[0]


def test_a_draw_that_fails_counts_the_truth_as_well_and_is_recorded(batch, read_study, other_study):
    """Its message counts true and false positives: asked with one threshold after another, it tells one by one."""
    carl = User.objects.get(username="carl")
    with pytest.raises(ValidationError, match="Too few"):
        select_examples(other_study, batch, Draw(per_pathology=100), user=carl, why=WHY)
    assert read_study.looks.get().user == carl and not other_study.examples.exists()
    third = make_study("third", batch=batch)
    with pytest.raises(invitations.InvitationError, match="could know it"):
        invitations.join(third, carl, "reader")
    with pytest.raises(CommandError, match="Too few"):
        call_command(
            "select_examples", "--study=other", f"--batch={batch.name}", "--per-pathology=100", "--why=by hand"
        )
    assert read_study.looks.filter(why="by hand").count() == 1


def test_who_was_an_administrator_does_not_read_what_was_loaded_meanwhile(batch):
    boss = make_user("boss", is_staff=True)
    boss.is_staff = False
    boss.save()
    with pytest.raises(invitations.InvitationError, match="could know it"):
        invitations.join(make_study("old", batch=batch), boss, "reader")
    assert invitations.join(make_study("new", batch=make_batch("loaded-later", 4)), boss, "reader")
