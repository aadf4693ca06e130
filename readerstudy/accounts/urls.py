from django.conf import settings
from django.urls import path

from readerstudy.accounts.pages import account as views
from readerstudy.accounts.pages import demo

urlpatterns = [
    path("accounts/", views.account, name="account"),
    path("accounts/email/", views.account),  # instead of allauth's page: nobody takes another's address unproven
]
if settings.DEMO:
    urlpatterns += [path("demo/enter/<slug:role>/", demo.enter, name="demo_enter")]
