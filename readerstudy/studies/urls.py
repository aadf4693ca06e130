from django.urls import path

from readerstudy.studies import files, home

urlpatterns = [
    path("", home.home, name="home"),
    path("studies/<slug:slug>/files/<str:name>", files.study_file, name="study_file"),
]
