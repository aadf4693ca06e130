from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from readerstudy.accounts.models import Erasure, ExportToken, User
from readerstudy.common.admin_base import HouseAdmin, RecordAdmin

admin.site.disable_action("delete_selected")
admin.site.unregister(Group)  # roles are per study, in Membership
admin.site.unregister(Authenticator)  # shows what other people's second factors are made of


@admin.register(Authenticator)
class SecondFactorAdmin(RecordAdmin):
    """Who has one, never what it is. Deleting it lets a person who has lost it log in with the password again."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    search_fields = ["user__username", "user__email"]
    fields = ["user", "type", "created_at", "last_used_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request) and bool(getattr(request.user, "is_superuser", False))


@admin.register(ExportToken)
class ExportTokenAdmin(RecordAdmin):
    """Whose there are, and until when; the person or a new password ends one."""

    search_fields = ["user__username", "user__email"]
    list_display = ["user", "created_at", "expires_at", "used_at"]
    fields = ["user", "created_at", "expires_at", "used_at"]


@admin.register(Erasure)
class ErasureAdmin(RecordAdmin):
    search_fields = ["user__username", "why"]
    list_display = ["user", "at", "by", "why"]
    list_select_related = ["user", "by"]


@admin.register(User)
class PersonAdmin(HouseAdmin, UserAdmin):  # type: ignore[type-arg]
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
