"""Addresses of the reading API, mounted under /api/."""

from django.urls import path

from readerstudy.reading.api import endpoints as api
from readerstudy.reading.api.session import session

urlpatterns = [path("session/", session, name="api_session")]
for prefix, name, practice in (
    ("reading/<slug:slug>/", "api_reading", False),
    ("reading/<slug:slug>/practice/", "api_reading_practice", True),
):
    extra = {"practice": practice}
    urlpatterns += [
        path(f"{prefix}state/", api.state, extra, name=f"{name}_state"),
        path(f"{prefix}assignments/<int:position>/", api.assignment, extra, name=f"{name}_assignment"),
        path(f"{prefix}answers/", api.answers, extra, name=f"{name}_answers"),
        path(f"{prefix}visits/", api.visits, extra, name=f"{name}_visits"),
        path(f"{prefix}visits/<uuid:visit_id>/", api.visit, extra, name=f"{name}_visit"),
        path(f"{prefix}responses/<uuid:response_id>/", api.response, extra, name=f"{name}_response"),
        path(f"{prefix}finish/", api.finish, extra, name=f"{name}_finish"),
        path(f"{prefix}preferences/", api.preferences, extra, name=f"{name}_preferences"),
    ]
urlpatterns.append(
    path("reading/<slug:slug>/practice/feedback/<int:position>/", api.feedback, name="api_reading_practice_feedback")
)
