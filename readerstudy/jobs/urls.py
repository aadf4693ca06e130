from django.urls import path

from readerstudy.jobs.pages import job

urlpatterns = [
    path("jobs/start/<slug:kind>/<path:about>/", job.start, name="job_start"),
    path("jobs/<int:pk>/state/", job.state, name="job_state"),
    path("jobs/<int:pk>/cancel/", job.cancel, name="job_cancel"),
]
