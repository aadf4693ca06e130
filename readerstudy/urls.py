"""All pages and the API. Each app owns its urls; tests/test_access.py holds who may open what."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from readerstudy.common import health

# One log-in page, with its rate limits and second factor, for the Django admin too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Reader studies administration"
admin.site.index_title = "Everything stored"

urlpatterns = [
    path("health/", health.health, name="health"),
    path("ready/", health.ready, name="ready"),
    path("admin/", admin.site.urls),
    path("", include("readerstudy.accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("", include("readerstudy.jobs.urls")),
    path("", include("readerstudy.cases.urls")),
    path("", include("readerstudy.studies.urls")),
    path("", include("readerstudy.reading.urls")),
    path("api/", include("readerstudy.reading.api.urls")),
    path("", include("readerstudy.analysis.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(), name="api_docs"),
]

handler403 = "readerstudy.common.error_answers.permission_denied"
handler404 = "readerstudy.common.error_answers.not_found"
handler500 = "readerstudy.common.error_answers.server_error"
