"""Invitations: single use, expiring, revocable, and one role per person and study."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.studies import invitations
from readerstudy.studies.invitations import InvitationError
from readerstudy.studies.lifecycle import new_version
from readerstudy.studies.models import Invitation, Membership, Study
from tests.builders import make_member, make_study, make_user, open_now

pytestmark = pytest.mark.django_db
PASSWORD = {"new_password1": "chest-film-42", "new_password2": "chest-film-42"}


@pytest.fixture
def study() -> Study:
    return make_study("one")


@pytest.fixture
def researcher(client, study) -> User:
    user = make_member(study, "bob", "researcher")
    client.force_login(user)
    return user


def invited(study: Study, email: str = "new@example.org", role: str = "reader") -> Invitation:
    return Invitation.objects.create(study=study, email=email, role=role, expires_at=timezone.now() + timedelta(days=1))


def send(client, addresses: str, role: str = "reader"):
    return client.post("/studies/one/people/", {"addresses": addresses, "role": role}, follow=True)


# --- Sending


def test_many_pasted_addresses_are_invited_once_each(client, researcher, study):
    page = send(client, "a@example.org, B@example.org;\n <c@example.org>\na@example.org").content.decode()
    assert sorted(study.invitations.values_list("email", flat=True)) == [f"{x}@example.org" for x in "abc"]
    assert [message.to for message in mail.outbox] == [[f"{x}@example.org"] for x in "abc"]
    link = re.search(r"http://testserver(/invitations/\S+)", mail.outbox[0].body)[1]
    assert client.get(link).status_code == 200
    assert "/invitations/W" not in page, "whoever has the link can take the reader's place"


def test_one_bad_address_sends_nothing_and_is_named(client, researcher, study):
    page = send(client, "a@example.org, b@@example").content.decode()
    assert "b@@example" in page
    assert not study.invitations.exists()
    assert not mail.outbox


def test_members_are_left_alone_and_pending_ones_renewed(client, researcher, study):
    old = invited(study, "a@example.org")
    old_token = invitations.token(old)
    page = send(client, "a@example.org bob@example.org").content.decode()
    assert "Already in this study: bob@example.org" in page
    assert study.invitations.count() == 1
    with pytest.raises(InvitationError, match="latest email"):
        invitations.find(old_token)


def test_an_administrator_account_is_not_invited_to_read(client, researcher, study):
    make_user("root", is_staff=True)
    assert "cannot be a reader" in send(client, "root@example.org").content.decode()
    assert not study.invitations.exists()


def test_a_researcher_cannot_make_an_administrator(client, researcher, study):
    send(client, "a@example.org", role="administrator")
    assert not study.invitations.exists()


@pytest.mark.parametrize("role", ["reader", "researcher", "administrator"])
def test_nobody_sees_the_link_of_an_invitation_that_waits(client, researcher, study, role):
    link = invitations.link_path(invited(study, "chief@example.org", role=role))
    for user in (researcher, make_user("root", is_staff=True)):
        client.force_login(user)
        page = client.get("/studies/one/people/").content.decode()
        assert "chief@example.org" in page and link not in page and "/invitations/W" not in page


def test_a_researcher_does_not_get_an_administrators_link_by_sending_again(client, researcher, study, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    chief = invited(study, "chief@example.org", role="administrator")
    address = f"/studies/one/people/{chief.pk}/resend/"
    before = invitations.link_path(chief)
    assert "Only an administrator" in client.post(address, follow=True).content.decode()
    assert client.get(before).status_code == 200, "and the link that was sent stays good"
    client.force_login(make_user("root", is_staff=True))
    assert "/invitations/W" in client.post(address).content.decode()


@pytest.mark.parametrize("backend", ["console", "dummy"])
def test_where_no_mail_is_sent_a_link_is_shown_once_and_in_no_log(client, researcher, study, settings, capsys, backend):
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    shown = client.post("/studies/one/people/", {"addresses": "a@example.org", "role": "reader"})
    link = invitations.link_path(study.invitations.get())
    assert link in shown.content.decode() and "not shown again" in shown.content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    assert link not in client.get("/studies/one/people/").content.decode()
    assert link not in capsys.readouterr().out
    again = client.post(f"/studies/one/people/{study.invitations.get().pk}/resend/").content.decode()
    assert invitations.link_path(study.invitations.get()) in again


def test_a_title_of_two_lines_and_an_endless_address_do_no_harm(client, researcher, study):
    Study.objects.filter(pk=study.pk).update(title="One\r\nBcc: eve@example.org")
    send(client, "a@example.org")
    assert mail.outbox[0].subject == "Invitation to “One Bcc: eve@example.org”"
    longest = ".".join(["x" * 60] * 5)
    assert "Not an email address" in send(client, f"a@{longest}.org").content.decode()


def test_a_mail_server_that_refuses_leaves_the_link_to_copy(client, researcher, study, settings):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend",
        "127.0.0.1",
        1,
    )
    page = send(client, "a@example.org").content.decode()
    assert "could not be sent to a@example.org" in page
    assert invitations.link_path(study.invitations.get()) in page


def test_no_reader_for_a_closed_study(client, researcher, study):
    open_now(study)
    study.state, study.closed_at = Study.State.CLOSED, timezone.now()
    study.save()
    assert "takes no more readers" in send(client, "a@example.org").content.decode()


def test_revoking_and_sending_again(client, researcher, study):
    invitation = invited(study)
    link = invitations.link_path(invitation)
    client.post(f"/studies/one/people/{invitation.pk}/resend/")
    assert client.get(link).status_code == 410
    invitation.refresh_from_db()
    link = invitations.link_path(invitation)
    assert client.get(link).status_code == 200
    client.post(f"/studies/one/people/{invitation.pk}/revoke/")
    assert b"was withdrawn" in client.get(link).content


# --- Joining


def test_a_new_person_chooses_a_password_and_reads_as_r1(client, study):
    response = client.post(invitations.link_path(invited(study)), PASSWORD, follow=True)
    user = User.objects.get(email="new@example.org")
    assert "You have joined" in response.content.decode()
    assert client.session["_auth_user_id"] == str(user.pk)
    assert user.check_password("chest-film-42")
    assert study.readers.get().code == "R1"
    assert study.readers.get().membership.user == user
    client.logout()
    client.post("/accounts/login/", {"login": "new@example.org", "password": "chest-film-42"})
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_weak_password_is_refused_and_the_link_stays_good(client, study):
    link = invitations.link_path(invited(study))
    assert (
        "too common" in client.post(link, {"new_password1": "password", "new_password2": "password"}).content.decode()
    )
    assert not User.objects.exists()
    assert client.get(link).status_code == 200


def test_the_link_works_once(client, study):
    link = invitations.link_path(invited(study))
    client.post(link, PASSWORD)
    client.logout()
    assert b"was used already" in client.get(link).content
    client.post(link, {"new_password1": "another-film-43", "new_password2": "another-film-43"})
    assert not User.objects.get().check_password("another-film-43")


def test_two_clicks_make_one_account(study):
    token = invitations.token(invited(study))
    invitations.accept(token, User(username="first", email="new@example.org"))
    with pytest.raises(InvitationError, match="used already"):
        invitations.accept(token, User(username="second", email="new@example.org"))
    assert User.objects.get().username == "first"


def test_who_has_run_a_study_does_not_read_it(client, study, researcher):
    gone = make_member(study, "cyd", "researcher")
    client.post(f"/studies/one/people/{gone.memberships.get().pk}/remove/")
    open_now(study)
    for version in (study, new_version(study)):
        with pytest.raises(InvitationError, match="has run"):
            invitations.join(version, gone, "reader")


def test_a_membership_does_not_change(study):
    membership = invitations.join(study, make_user("ann"), "reader")
    membership.role = "researcher"
    with pytest.raises(ValidationError, match="does not change"):
        membership.save()


def test_an_expired_or_altered_link_does_not_work(client, study):
    invitation = invited(study)
    signed = invitations.token(invitation)
    for altered in (f"x{signed}", signed[:-2], "x", "a:b:c"):
        link = f"/invitations/{altered}/"
        assert client.get(link).status_code == 410
    invitation.expires_at = timezone.now() - timedelta(seconds=1)
    invitation.save()
    assert b"has expired" in client.get(invitations.link_path(invitation)).content


def test_a_known_person_logs_in_and_confirms(client, study):
    user = make_user("ann")
    link = invitations.link_path(invited(study, "ann@example.org"))
    page = client.get(link).content.decode()
    assert "/accounts/login/?next=/invitations/" in page
    client.post(link, PASSWORD)
    assert not Membership.objects.exists(), "the link alone must not open somebody's account"
    client.force_login(user)
    client.post(link)
    assert Membership.objects.get().user == user


def test_somebody_else_who_is_logged_in_cannot_use_the_link(client, study):
    client.force_login(make_user("eve"))
    response = client.post(invitations.link_path(invited(study)))
    assert "you are logged in as eve@example.org" in response.content.decode()
    assert not Membership.objects.exists()


def test_a_researcher_cannot_become_a_reader_of_the_same_study(client, study, researcher):
    response = client.post(invitations.link_path(invited(study, "bob@example.org")))
    assert "one person has one role in a study" in response.content.decode()
    assert not study.readers.exists()


def test_staff_rights_given_after_the_invitation_still_bar_reading(client, study):
    user = make_user("ann", is_staff=True)
    client.force_login(user)
    response = client.post(invitations.link_path(invited(study, "ann@example.org")))
    assert "cannot be a reader" in response.content.decode()
    assert Invitation.objects.get().accepted_at is None


def test_who_joins_an_open_study_is_allocated_at_once(client, study):
    open_now(study)
    response = client.post(invitations.link_path(invited(study)), PASSWORD)
    assert response.headers["Location"] == "/reading/one/"
    reader = study.readers.get()
    assert reader.reads.filter(number=1).get().assignments.count() == study.examples.count()


def test_codes_follow_the_order_of_joining_and_are_never_used_again(study):
    for name in ("ann", "ben", "cyd"):
        invitations.join(study, make_user(name), "reader")
    study.readers.get(code="R2").delete()
    invitations.join(study, make_user("dan"), "reader")
    assert list(study.readers.values_list("code", flat=True)) == ["R1", "R3", "R4"]


def test_researchers_get_no_reader_code(study):
    invitations.join(study, make_user("bob"), "researcher")
    assert not study.readers.exists()


def test_the_page_of_people_asks_a_constant_number_of_queries(client, researcher, study, django_assert_max_num_queries):
    for index in range(6):
        invitations.join(study, make_user(f"reader-{index}"), "reader")
        invited(study, f"later-{index}@example.org")
    with django_assert_max_num_queries(9):
        client.get("/studies/one/people/")
