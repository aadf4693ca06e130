"""Addresses of the reading room's pages."""

from django.urls import path

from readerstudy.reading import files, views, withdrawing

urlpatterns = [
    path("reading/<slug:slug>/", views.reading_list, name="reading_list"),
    path("reading/<slug:slug>/consent/", views.consent, name="reading_consent"),
    path("reading/<slug:slug>/profile/", views.profile, name="reading_profile"),
    path("reading/<slug:slug>/instructions/", views.instructions, name="reading_instructions"),
    path("reading/<slug:slug>/start/", views.start, name="reading_start"),
    path("reading/<slug:slug>/shortcuts/", views.shortcuts, name="reading_shortcuts"),
    path("reading/<slug:slug>/read/", views.read, name="reading_read"),
    path("reading/<slug:slug>/practice/", views.read, {"practice": True}, name="reading_practice"),
    path("studies/<slug:slug>/readers/<str:code>/withdraw/", withdrawing.withdraw, name="reader_withdraw"),
    path("reading/<slug:slug>/files/<str:name>", files.reading_file, name="reading_file"),
]
