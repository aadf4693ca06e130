from django.urls import path

from readerstudy.analysis.pages import downloads
from readerstudy.common.later import later

POWER, RESULTS = "readerstudy.analysis.pages.power", "readerstudy.analysis.pages.results"

urlpatterns = [
    path("power/", later(POWER, "power_before_a_study"), name="power_before"),
    path("studies/<slug:slug>/power/", later(POWER, "power_page"), name="power"),
    path("studies/<slug:slug>/results/", later(RESULTS, "results_page"), name="results"),
    path("studies/<slug:slug>/results/look/", later(RESULTS, "results_look"), name="results_look"),
    path("studies/<slug:slug>/results/guidelines/", later(RESULTS, "results_guidelines"), name="results_guidelines"),
    path("studies/<slug:slug>/results/report/", later(RESULTS, "results_report"), name="results_report"),
    path("studies/<slug:slug>/results/archive/", later(RESULTS, "results_archive"), name="results_archive"),
    path("studies/<slug:slug>/results/figures/<str:name>", later(RESULTS, "results_figure"), name="results_figure"),
    path("studies/<slug:slug>/results/dictionary/", downloads.results_dictionary, name="results_dictionary"),
    path("studies/<slug:slug>/results/tables/<slug:table>/", downloads.results_download, name="results_download"),
    path("api/studies/<slug:slug>/reads/", downloads.api_reads, name="api_reads"),
]
