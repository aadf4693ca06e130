from django.urls import path

from readerstudy.cases import media
from readerstudy.cases.pages import batches as views

urlpatterns = [
    path("batches/", views.batches, name="batches"),
    path("batches/staged/<str:token>/", views.staged, name="batch_staged"),
    path("batches/staged/<str:token>/discard/", views.discard, name="batch_discard"),
    path("batches/staged/<str:token>/linking/", views.linking_table, name="batch_linking"),
    path("batches/staged/<str:token>/thumbs/<int:number>.png", views.staged_thumbnail, name="batch_staged_thumbnail"),
    path("batches/<slug:batch>/", views.batch, name="batch"),
    path("batches/<slug:batch>/files/<str:name>", media.batch_file, name="batch_file"),
    path("batches/<slug:batch>/thumbs/<slug:public_id>.png", views.thumbnail, name="batch_thumbnail"),
]
