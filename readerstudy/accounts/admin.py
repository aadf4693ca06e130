from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from rest_framework.authtoken.models import TokenProxy

from readerstudy.accounts.adminbase import HouseAdmin
from readerstudy.accounts.models import User

admin.site.disable_action("delete_selected")
admin.site.unregister(Group)  # roles are per study, in Membership
admin.site.unregister(TokenProxy)  # shows other people's keys


@admin.register(User)
class PersonAdmin(HouseAdmin, UserAdmin):
    list_display = ["username", "email", "is_active", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["username", "email", "first_name", "last_name"]
    filter_horizontal = []
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["username", "password", "email", "first_name", "last_name"]}),
        ("Rights", {"fields": ["is_active", "is_staff"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"fields": ["username", "email", "usable_password", "password1", "password2"]})]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the history of every edit names its person; an account that is done with is made inactive
