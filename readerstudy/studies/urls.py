from django.urls import path

from readerstudy.studies import files, home, people, token

urlpatterns = [
    path("", home.home, name="home"),
    path("accounts/token/", token.token, name="token"),
    path("invitations/<str:token>/", people.invitation, name="invitation"),
    path("studies/<slug:slug>/files/<str:name>", files.study_file, name="study_file"),
    path("studies/<slug:slug>/people/", people.people, name="people"),
    path("studies/<slug:slug>/people/<int:pk>/remove/", people.remove, name="member_remove"),
    path("studies/<slug:slug>/people/<int:pk>/resend/", people.resend, name="invitation_resend"),
    path("studies/<slug:slug>/people/<int:pk>/revoke/", people.revoke, name="invitation_revoke"),
]
