from django.urls import path

from readerstudy.cases import media

urlpatterns = [
    path("batches/<slug:batch>/files/<str:name>", media.batch_file, name="batch_file"),
]
