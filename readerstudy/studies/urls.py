from django.urls import path

from readerstudy.studies.pages import composer, files, home, people, token
from readerstudy.studies.pages import examples as examples_page
from readerstudy.studies.pages import lifecycle as lifecycle_pages

urlpatterns = [
    path("", home.home, name="home"),
    path("accounts/token/", token.token, name="token"),
    path("invitations/<str:token>/", people.invitation, name="invitation"),
    path("studies/new/", composer.new, name="study_new"),
    path("studies/<slug:slug>/", composer.overview, name="study"),
    path("studies/<slug:slug>/design/", composer.design, name="study_design"),
    path("studies/<slug:slug>/methods/", composer.methods, name="study_methods"),
    path("studies/<slug:slug>/questions/", composer.questions, name="study_questions"),
    path("studies/<slug:slug>/plan/", composer.plan, name="study_plan"),
    path("studies/<slug:slug>/protocol.json", composer.protocol_file, name="study_protocol"),
    path("studies/<slug:slug>/examples/", examples_page.examples, name="study_examples"),
    path("studies/<slug:slug>/examples/truth/", examples_page.look_at_truth, name="study_truth"),
    path("studies/<slug:slug>/explanations/", examples_page.explanations, name="study_explanations"),
    path("studies/<slug:slug>/open/", lifecycle_pages.open_page, name="study_open"),
    path("studies/<slug:slug>/close/", lifecycle_pages.close_page, name="study_close"),
    path("studies/<slug:slug>/new-version/", lifecycle_pages.new_version_page, name="study_new_version"),
    path("studies/<slug:slug>/files/<str:name>", files.study_file, name="study_file"),
    path("studies/<slug:slug>/people/", people.people, name="people"),
    path("studies/<slug:slug>/people/<int:pk>/remove/", people.remove, name="member_remove"),
    path("studies/<slug:slug>/people/<int:pk>/resend/", people.resend, name="invitation_resend"),
    path("studies/<slug:slug>/people/<int:pk>/revoke/", people.revoke, name="invitation_revoke"),
]
