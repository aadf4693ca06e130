from django.conf import settings
from django.urls import path

from readerstudy.accounts.pages import account, demo

urlpatterns = [
    path("accounts/", account.account, name="account"),
    path("accounts/email/", account.account),  # instead of allauth's page: nobody takes another's address unproven
]
if settings.DEMO:
    urlpatterns += [path("demo/enter/<slug:role>/", demo.enter, name="demo_enter")]
