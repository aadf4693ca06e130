from django.urls import path

from readerstudy.studies import home

urlpatterns = [
    path("", home.home, name="home"),
]
