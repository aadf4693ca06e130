"""Addresses of the reading API, mounted under /api/."""

from django.urls import path

from readerstudy.reading.api import endpoints
from readerstudy.reading.api.session import session

urlpatterns = [
    path("session/", session, name="api_session"),
    path("reading/<slug:slug>/start/", endpoints.start, name="api_reading_start"),
]
for prefix, name, practice in (
    ("reading/<slug:slug>/", "api_reading", False),
    ("reading/<slug:slug>/practice/", "api_reading_practice", True),
):
    extra = {"practice": practice}
    urlpatterns += [
        path(f"{prefix}state/", endpoints.state, extra, name=f"{name}_state"),
        path(f"{prefix}assignments/<int:position>/", endpoints.assignment, extra, name=f"{name}_assignment"),
        path(f"{prefix}answers/", endpoints.answers, extra, name=f"{name}_answers"),
        path(f"{prefix}visits/", endpoints.visits, extra, name=f"{name}_visits"),
        path(f"{prefix}visits/<uuid:visit_id>/", endpoints.visit, extra, name=f"{name}_visit"),
        path(f"{prefix}responses/<uuid:response_id>/", endpoints.response, extra, name=f"{name}_response"),
        path(f"{prefix}finish/", endpoints.finish, extra, name=f"{name}_finish"),
        path(f"{prefix}preferences/", endpoints.preferences, extra, name=f"{name}_preferences"),
    ]
urlpatterns.append(
    path(
        "reading/<slug:slug>/practice/feedback/<int:position>/",
        endpoints.feedback,
        name="api_reading_practice_feedback",
    )
)
