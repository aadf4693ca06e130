from django.urls import path

from readerstudy.analysis import planning

urlpatterns = [
    path("studies/<slug:slug>/power/", planning.power_page, name="power"),
]
