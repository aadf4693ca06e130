from django.urls import path

from readerstudy.studies.pages import (
    design,
    examples,
    explanations,
    files,
    home,
    invitation,
    lifecycle,
    overview,
    people,
    token,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("accounts/token/", token.token, name="token"),
    path("invitations/<str:token>/", invitation.invitation, name="invitation"),
    path("studies/new/", overview.new, name="study_new"),
    path("studies/<slug:slug>/", overview.overview, name="study"),
    path("studies/<slug:slug>/design/", design.design, name="study_design"),
    path("studies/<slug:slug>/methods/", design.methods, name="study_methods"),
    path("studies/<slug:slug>/questions/", design.questions, name="study_questions"),
    path("studies/<slug:slug>/plan/", design.plan, name="study_plan"),
    path("studies/<slug:slug>/protocol.json", overview.protocol_file, name="study_protocol"),
    path("studies/<slug:slug>/examples/", examples.examples, name="study_examples"),
    path("studies/<slug:slug>/examples/truth/", examples.look_at_truth, name="study_truth"),
    path("studies/<slug:slug>/explanations/", explanations.explanations, name="study_explanations"),
    path("studies/<slug:slug>/open/", lifecycle.open_page, name="study_open"),
    path("studies/<slug:slug>/close/", lifecycle.close_page, name="study_close"),
    path("studies/<slug:slug>/reopen/", lifecycle.reopen_page, name="study_reopen"),
    path("studies/<slug:slug>/new-version/", lifecycle.new_version_page, name="study_new_version"),
    path("studies/<slug:slug>/files/<str:name>", files.study_file, name="study_file"),
    path("studies/<slug:slug>/people/", people.people, name="people"),
    path("studies/<slug:slug>/people/<int:pk>/remove/", people.remove, name="member_remove"),
    path("studies/<slug:slug>/people/<int:pk>/resend/", people.resend, name="invitation_resend"),
    path("studies/<slug:slug>/people/<int:pk>/revoke/", people.revoke, name="invitation_revoke"),
]
