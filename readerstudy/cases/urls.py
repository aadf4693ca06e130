from django.urls import path

from readerstudy.cases.pages import batches, files, removal, uploads

urlpatterns = [
    path("batches/", batches.batches, name="batches"),
    path("batches/staged/<str:token>/", uploads.staged, name="batch_staged"),
    path("batches/staged/<str:token>/discard/", uploads.discard, name="batch_discard"),
    path("batches/staged/<str:token>/mend/", uploads.mend, name="batch_mend"),
    path("batches/staged/<str:token>/linking/", uploads.linking_table, name="batch_linking"),
    path("batches/staged/<str:token>/thumbs/<int:number>.png", uploads.staged_thumbnail, name="batch_staged_thumbnail"),
    path("batches/<slug:batch>/", batches.batch, name="batch"),
    path("batches/<slug:batch>/remove/", removal.remove, name="batch_remove"),
    path("batches/<slug:batch>/files/<str:name>", files.batch_file, name="batch_file"),
    path("batches/<slug:batch>/thumbs/<slug:public_id>.png", batches.thumbnail, name="batch_thumbnail"),
]
