"""All pages and the API. Each app owns its urls; tests/test_access.py holds who may open what."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("readerstudy.accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("", include("readerstudy.cases.urls")),
    path("", include("readerstudy.studies.urls")),
    path("", include("readerstudy.reading.urls")),
    path("api/", include("readerstudy.reading.api_urls")),
    path("", include("readerstudy.analysis.urls")),
]
