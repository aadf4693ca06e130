"""Addresses of the reading room's pages."""

from django.urls import path

from readerstudy.reading.pages import files, preview
from readerstudy.reading.pages import room as views
from readerstudy.reading.pages import study as study_pages

urlpatterns = [
    path("studies/<slug:slug>/preview/<int:number>/", preview.preview, name="study_preview"),
    path(
        "studies/<slug:slug>/preview/practice/<int:number>/",
        preview.preview,
        {"practice": True},
        name="study_preview_practice",
    ),
    path("studies/<slug:slug>/progress/", study_pages.progress_page, name="study_progress"),
    path("studies/<slug:slug>/progress.csv", study_pages.progress_csv, name="study_progress_csv"),
    path("studies/<slug:slug>/readers/<slug:code>/withdraw/", study_pages.withdraw_page, name="reader_withdraw"),
    path("studies/<slug:slug>/allocation/", study_pages.allocation_page, name="study_allocation"),
    path("studies/<slug:slug>/allocation.csv", study_pages.allocation_csv, name="study_allocation_csv"),
    path("studies/<slug:slug>/exclusions/", study_pages.exclusions_page, name="study_exclusions"),
    path("studies/<slug:slug>/exclusions/<int:pk>/lift/", study_pages.lift_exclusion, name="lift_exclusion"),
    path("reading/<slug:slug>/", views.reading_list, name="reading_list"),
    path("reading/<slug:slug>/consent/", views.consent, name="reading_consent"),
    path("reading/<slug:slug>/profile/", views.profile, name="reading_profile"),
    path("reading/<slug:slug>/instructions/", views.instructions, name="reading_instructions"),
    path("reading/<slug:slug>/start/", views.start, name="reading_start"),
    path("reading/<slug:slug>/shortcuts/", views.shortcuts, name="reading_shortcuts"),
    path("reading/<slug:slug>/read/", views.read, name="reading_read"),
    path("reading/<slug:slug>/practice/", views.read, {"practice": True}, name="reading_practice"),
    path("reading/<slug:slug>/files/<str:name>", files.reading_file, name="reading_file"),
]
