"""Mails to readers: who is due which, each sent once, nothing that unblinds, and a way out."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail as post
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from readerstudy.reading.mailing.due import due_mails
from readerstudy.reading.mailing.sending import _claim, send_due
from readerstudy.reading.mailing.wanted import link_path
from readerstudy.reading.models import Mail, Reader, ReadReopening
from readerstudy.settings import _site
from readerstudy.studies.journal import Reopening
from readerstudy.studies.lifecycle import new_version
from readerstudy.studies.mails import MailPlan
from readerstudy.studies.models import Study
from tests.builders import make_member, make_reader, make_reads, make_study, make_user, open_now

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def ago(days: float):
    return NOW - timedelta(days=days)


@pytest.fixture
def study() -> Study:
    """Open for 30 days. R1's second read has been open for a day, after a washout; R2 opened a read 20 days ago."""
    study = make_study("trial", public_title="Two pictures")
    study.opened_by = make_member(study, "rita", "researcher")
    study.washout_days = 14
    study.save()
    MailPlan.objects.create(study=study)
    readers = [make_reader(study, code, make_user(code.lower())) for code in ("R1", "R2")]
    Reader.objects.update(joined_at=ago(30))
    open_now(study)
    Study.objects.filter(pk=study.pk).update(opened_at=ago(30))
    for reader in readers:
        reader.reads.model.objects.filter(pk=make_reads(reader)[0].pk).update(opened_at=ago(20))
    readers[0].reads.filter(number=1).update(finished_at=ago(15))
    return Study.objects.get(pk=study.pk)


def due(study: Study, days: float = 0) -> list[str]:
    return [f"{one.read.reader.code} {one.kind} {one.number}" for one in due_mails(study, NOW + timedelta(days=days))]


def test_each_is_sent_once_and_tells_nothing_but_where_to_read(study, client):
    call_command("send_mails")
    call_command("send_mails")
    first, second = post.outbox
    assert (first.to, second.to) == (["r1@example.org"], ["r2@example.org"])
    assert first.subject == "Your next read is open: Two pictures" and "reader R1," in first.body
    assert "examples are left" in second.subject and "http://127.0.0.1:8000/reading/trial/\n" in second.body
    assert first.reply_to == ["rita@example.org"]
    assert first.extra_headers["List-Unsubscribe"][1:-1] in first.body
    told = f"{first.subject}{first.body}{second.subject}{second.body}"
    case = study.examples.first().prediction.case
    assert not [word for word in (case.public_id, "Method", "Cardiomegaly", "The trial study") if word in told]
    client.force_login(study.opened_by)
    page = client.get("/studies/trial/mails/").content.decode()
    assert page.count("<td>sent</td>") == 2 and "reminder 1" in page and "/no-mail/" not in page
    assert "/no-mail/" not in str(Mail.objects.values())


def test_who_is_due_what(study):
    assert due(study) == ["R1 washout 1", "R2 reminder 1"]
    one, two = study.readers.order_by("id")
    read = two.reads.get(number=1)
    for change in (
        lambda: ReadReopening.objects.create(read=read, why="more", finished_at=ago(9)),
        lambda: Reopening.objects.create(study=study, why="more", closed_at=ago(9)),
        lambda: read.assignments.all().delete(),  # none is left to answer
    ):
        with transaction.atomic():
            change()
            assert due(study) == ["R1 washout 1"]
            transaction.set_rollback(True)
    one.reads.filter(number=1).update(finished_at=ago(13))
    assert due(study) == ["R2 reminder 1"] and due(study, -7) == []
    one.reads.filter(number=1).update(finished_at=ago(15))
    told = Mail.objects.create(read=one.reads.get(number=2), kind="washout", state="sent", at=NOW)
    reminded = Mail.objects.create(read=two.reads.get(number=1), kind="reminder", number=1, state="sent", at=NOW)
    assert due(study) == due(study, 13) == []
    assert due(study, 14) == ["R1 reminder 1", "R2 reminder 2"]
    MailPlan.objects.update(most_reminders=1)
    assert due(study, 14) == ["R1 reminder 1"]
    told.delete()
    reminded.delete()
    MailPlan.objects.update(sends_washout_end=False, most_reminders=0)
    assert due(study) == []
    MailPlan.objects.update(sends_washout_end=True)
    assert due(study) == ["R1 washout 1"]
    user = one.membership.user
    for thing, change, back in (
        (one, {"withdrawn_at": NOW}, {"withdrawn_at": None}),
        (one, {"wants_mails": False}, {"wants_mails": True}),
        (user, {"is_active": False}, {"is_active": True}),
        (user, {"email": ""}, {"email": "r1@example.org"}),
        (one.reads.get(number=2), {"opened_at": NOW, "finished_at": NOW}, {"opened_at": None, "finished_at": None}),
    ):
        rows = type(thing).objects.filter(pk=thing.pk)
        rows.update(**change)
        assert due(study) == [], change
        rows.update(**back)
    assert due(study) == ["R1 washout 1"]
    study.state = Study.State.CLOSED
    assert due(study) == []
    MailPlan.objects.all().delete()
    study.state = Study.State.OPEN
    assert due(study) == [], "a study of before there were mails"


class Faulty(EmailBackend):
    """Raises what a mail server's connection would raise."""

    error: BaseException = KeyboardInterrupt()

    def send_messages(self, messages):
        raise self.error


def test_nobody_gets_a_mail_twice_and_what_was_refused_is_tried_again(study, settings, monkeypatch):
    MailPlan.objects.update(most_reminders=0)
    settings.EMAIL_BACKEND = "tests.reading.test_mails.Faulty"
    refused = smtplib.SMTPRecipientsRefused({"r1@example.org": (550, b"no r1@example.org here")})
    monkeypatch.setattr(Faulty, "error", refused)
    with pytest.raises(CommandError, match="not sent"):
        call_command("send_mails")
    mail = Mail.objects.get()
    assert (mail.state, mail.error) == ("failed", "SMTPRecipientsRefused")
    assert due(study) == [] and due(study, 0.1) == ["R1 washout 1"]
    [again] = due_mails(study, NOW + timedelta(hours=2))
    claimed = _claim(again, NOW, Mail.State.SENDING)
    assert claimed.pk == mail.pk and _claim(again, NOW, Mail.State.SENDING) is None, "one of two workers has it"
    Mail.objects.update(state="failed", tries=1, at=ago(1))
    monkeypatch.setattr(Faulty, "error", smtplib.SMTPServerDisconnected())
    with pytest.raises(CommandError, match="not sent"):
        call_command("send_mails")
    assert Mail.objects.get().state == "sending" and due(study, 5) == [], "the server may have taken it"
    Mail.objects.update(state="failed", tries=5)
    assert due(study, 1) == []
    mail.delete()
    for error in (KeyboardInterrupt(), smtplib.SMTPServerDisconnected("r1@example.org")):
        monkeypatch.setattr(Faulty, "error", error)
        with pytest.raises((KeyboardInterrupt, CommandError)):  # killed, or without an answer, in mid-sending
            call_command("send_mails")
        mail = Mail.objects.get()
        assert mail.state == "sending" and "@" not in mail.error and due(study, 5) == []
        mail.delete()
    assert send_due(stop=lambda: True).sent == 0 and not Mail.objects.exists()


def test_without_a_mail_server_nothing_is_taken_in_hand(study, settings, capsys, client):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nobody listens
    with pytest.raises(CommandError, match=r"cannot be used \(ConnectionRefusedError\); 2 mails left"):
        call_command("send_mails")
    assert _site(["*", ".org", "localhost", "127.0.0.1", "[::1]", "reads.org"]) == "https://reads.org"
    settings.SITE_ADDRESS = ""
    client.force_login(study.opened_by)
    assert "SITE_ADDRESS is not set" in client.get("/studies/trial/mails/").content.decode()
    with pytest.raises(CommandError, match="set SITE_ADDRESS"):
        call_command("send_mails")
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    call_command("send_mails")
    assert "2 mails wait: this server sends none" in capsys.readouterr().out and not Mail.objects.exists()


def test_the_demo_shows_them_instead(study, settings, client):
    settings.DEMO = True
    call_command("send_mails")
    assert not post.outbox
    client.force_login(study.opened_by)
    page = client.get("/studies/trial/mails/").content.decode()
    assert page.count("shown here, not sent") == 2 and page.count("Dear reader R2,") == 1


def test_a_reader_turns_mails_off_by_the_link_and_on_the_page_about_you(study, client):
    me = study.readers.get(code="R1")
    link, program = link_path(me), Client(enforce_csrf_checks=True)
    assert b"Send me no more mails" in client.get(link).content
    assert Reader.objects.get(pk=me.pk).wants_mails, "programs that check links change nothing"
    assert program.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not Reader.objects.get(pk=me.pk).wants_mails and due(study) == ["R2 reminder 1"]
    client.force_login(study.opened_by)
    assert "R1 (r1@example.org) wants none." in client.get("/studies/trial/mails/").content.decode()
    broken = client.get(f"{link[:-2]}/")
    assert broken.status_code == 404 and b"not complete" in broken.content
    Reader.objects.update(consented_at=NOW)
    client.force_login(me.membership.user)
    assert b"You get no mails" in client.get("/reading/trial/profile/").content
    client.post("/reading/trial/mails/", {"wanted": "1"})
    program.post(link, {"wanted": "1"})
    assert Reader.objects.get(pk=me.pk).wants_mails and me.history.count() == 3, "a change each"
    Reader.objects.update(withdrawn_at=NOW)
    assert b"R1 has withdrawn, and gets no mails" in client.get(link).content
    Study.objects.update(state=Study.State.CLOSED, closed_at=NOW)
    assert b"The study is not open" in client.get(link).content


def test_who_runs_the_study_writes_the_texts(study, client):
    client.force_login(study.opened_by)
    page = client.get("/studies/trial/mails/")
    data = {name: page.context["form"][name].value() for name in page.context["form"].fields}
    wrong = data | {"washout_subject": "{name}, go on", "reminder_text": "Go on.", "idle_days": 0}
    said = client.post("/studies/trial/mails/", wrong).content.decode()
    assert "no placeholder {name}" in said and "Put {address}" in said and "must be a whole number from 1" in said
    client.post("/studies/trial/mails/", data | {"reminder_text": "Go on {here}: {address}", "idle_days": 3})
    assert MailPlan.objects.get().idle_days == 14, "{here} is no placeholder"
    client.post("/studies/trial/mails/", data | {"reminder_text": "Go on: {address}", "idle_days": 3})
    plan = MailPlan.objects.get()
    assert (plan.idle_days, plan.reminder_text) == (3, "Go on: {address}")
    assert plan.history.first().history_user == study.opened_by
    assert new_version(study).mail_plan.reminder_text == "Go on: {address}"
