"""The page at /: a person's studies by role, or the way in."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from readerstudy.accounts.models import User
from readerstudy.accounts.pages import demo
from readerstudy.studies.access import RUNS, may_create_study
from readerstudy.studies.models import Membership, Study


def home(request: HttpRequest) -> HttpResponse:
    user = request.user
    if not isinstance(user, User):
        return render(request, "studies/entrance.html", {"demo_roles": demo.ROLES.items() if settings.DEMO else ()})
    memberships = Membership.objects.filter(user=user).select_related("study", "reader").order_by("-study__created_at")
    reading = [membership for membership in memberships if membership.role == Membership.Role.READER]
    roles = {membership.study: membership.role for membership in memberships if membership.role in RUNS}
    if user.is_administrator:
        for study in Study.objects.exclude(pk__in=[membership.study_id for membership in reading]):
            roles.setdefault(study, "administrator")
    archived = {study: role for study, role in roles.items() if study.archived_at}
    reading = [membership for membership in reading if not membership.study.archived_at]
    shown = archived if "archived" in request.GET else {study: roles[study] for study in roles if study not in archived}
    context = {
        "reading": reading,
        "running": shown.items(),
        "archived": len(archived),
        "may_create": may_create_study(user),
    }
    context["shows_archived"] = bool(archived) and shown is archived
    if reading and not context["running"] and not context["may_create"]:
        context["theme"] = "dark"  # a reader's way to the reading room (reading/pages/theme.py)
    return render(request, "studies/home.html", context)
