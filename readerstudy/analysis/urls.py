from django.urls import path

from readerstudy.analysis.pages import downloads, power, results

urlpatterns = [
    path("power/", power.power_before_a_study, name="power_before"),
    path("studies/<slug:slug>/power/", power.power_page, name="power"),
    path("studies/<slug:slug>/results/", results.results_page, name="results"),
    path("studies/<slug:slug>/results/look/", results.results_look, name="results_look"),
    path("studies/<slug:slug>/results/guidelines/", results.results_guidelines, name="results_guidelines"),
    path("studies/<slug:slug>/results/report/", results.results_report, name="results_report"),
    path("studies/<slug:slug>/results/archive/", results.results_archive, name="results_archive"),
    path("studies/<slug:slug>/results/figures/<str:name>", results.results_figure, name="results_figure"),
    path("studies/<slug:slug>/results/dictionary/", downloads.results_dictionary, name="results_dictionary"),
    path("studies/<slug:slug>/results/tables/<slug:table>/", downloads.results_download, name="results_download"),
    path("api/studies/<slug:slug>/reads/", downloads.api_reads, name="api_reads"),
]
