"""Addresses of the reading room's pages."""

from django.urls import path

from readerstudy.reading.pages import files, mails, preview, room, study

urlpatterns = [
    path("studies/<slug:slug>/preview/<int:number>/", preview.preview, name="study_preview"),
    path(
        "studies/<slug:slug>/preview/practice/<int:number>/",
        preview.preview,
        {"practice": True},
        name="study_preview_practice",
    ),
    path("studies/<slug:slug>/mails/", mails.study_mails, name="study_mails"),
    path("no-mail/<str:token>/", mails.no_mail, name="no_mail"),
    path("studies/<slug:slug>/progress/", study.progress_page, name="study_progress"),
    path("studies/<slug:slug>/progress.csv", study.progress_csv, name="study_progress_csv"),
    path("studies/<slug:slug>/readers/<slug:code>/withdraw/", study.withdraw_page, name="reader_withdraw"),
    path("studies/<slug:slug>/readers/<slug:code>/erase/", study.erase_page, name="reader_erase"),
    path(
        "studies/<slug:slug>/readers/<slug:code>/reads/<int:number>/reopen/",
        study.reopen_read_page,
        name="read_reopen",
    ),
    path("studies/<slug:slug>/allocation/", study.allocation_page, name="study_allocation"),
    path("studies/<slug:slug>/allocation.csv", study.allocation_csv, name="study_allocation_csv"),
    path("studies/<slug:slug>/exclusions/", study.exclusions_page, name="study_exclusions"),
    path("studies/<slug:slug>/exclusions/<int:pk>/lift/", study.lift_exclusion, name="lift_exclusion"),
    path("reading/<slug:slug>/", room.reading_list, name="reading_list"),
    path("reading/<slug:slug>/consent/", room.consent, name="reading_consent"),
    path("reading/<slug:slug>/profile/", room.profile, name="reading_profile"),
    path("reading/<slug:slug>/instructions/", room.instructions, name="reading_instructions"),
    path("reading/<slug:slug>/start/", room.start, name="reading_start"),
    path("reading/<slug:slug>/shortcuts/", room.shortcuts, name="reading_shortcuts"),
    path("reading/<slug:slug>/mails/", mails.reader_mails, name="reading_mails"),
    path("reading/<slug:slug>/read/", room.read, name="reading_read"),
    path("reading/<slug:slug>/practice/", room.read, {"practice": True}, name="reading_practice"),
    path("reading/<slug:slug>/files/<str:name>", files.reading_file, name="reading_file"),
]
