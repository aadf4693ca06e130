"""Every refusal has one base, and one place makes an HTTP answer of it."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.test import RequestFactory
from django.views.defaults import page_not_found
from rest_framework import exceptions as drf
from rest_framework.exceptions import APIException

from readerstudy.common.refusal_pages import RefusalMiddleware
from readerstudy.common.refusals import NotAllowed, NotFound, Refusal

APPS = ("accounts", "cases", "explanations", "studies", "reading", "exchange", "analysis", "demo", "jobs", "common")
PACKAGE = Path(__file__).parents[1] / "readerstudy"
# Not refusals of something asked: where a table cannot be read (a library's error for its callers), a job taken away, a
# check that a worker goes on with, an image that takes too long.
OTHERS = {"TableError", "LeaseLost", "TooSlow", "_Stuck"}


def modules_of(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((PACKAGE / folder).rglob("*.py"))]


def exceptions() -> set[type]:
    found = set()
    for path in modules_of(*APPS):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
                made = getattr(importlib.import_module(name), node.name) if "migrations" not in name else None
                if inspect.isclass(made) and issubclass(made, BaseException):
                    found.add(made)
    return found


def test_what_is_refused_derives_from_one_base():
    odd = {made.__name__ for made in exceptions() if not issubclass(made, Refusal | ValidationError | APIException)}
    assert odd == OTHERS


def test_no_view_turns_a_refusal_into_a_status():
    """In a view a refusal may become a form's error or a message; the status is the middleware's and the API's."""
    refusals = {made.__name__ for made in exceptions() if issubclass(made, Refusal)} | {"Refusal"}
    assert {"ReadRefused", "BatchRefused", "InvitationError", "ModelsUnavailable", "Gone"} <= refusals
    wrong = []
    for path in modules_of(*APPS):
        if not {"pages", "api"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and node.type is not None:
                caught = {getattr(one, "id", getattr(one, "attr", "")) for one in ast.walk(node.type)}
                if caught & refusals and "status=" in "".join(map(ast.unparse, node.body)):
                    wrong.append(f"{path.name}:{node.lineno}")
    assert wrong == []


WITH_WORDS = {"Http404", "PermissionDenied"}  # Django's: their words are lost on one of page and API
OF_THE_API = {name for name, made in vars(drf).items() if inspect.isclass(made) and issubclass(made, APIException)}
OF_HTTP = (WITH_WORDS | OF_THE_API | {"NotFound", "NotAllowed"}) - {"ValidationError"}


def raised_with_words(node: ast.AST) -> set[str]:
    calls = [one.exc for one in ast.walk(node) if isinstance(one, ast.Raise) and isinstance(one.exc, ast.Call)]
    return {getattr(call.func, "id", getattr(call.func, "attr", "")) for call in calls if call.args}


def test_what_is_refused_with_words_is_a_refusal():
    raised = {path: raised_with_words(ast.parse(path.read_text(encoding="utf-8"))) for path in modules_of(*APPS)}
    assert set().union(*raised.values()) >= {"NotFound", "NotAllowed", "ReadRefused"}
    assert {str(path): wrong for path, found in raised.items() if (wrong := found & WITH_WORDS)} == {}


def test_no_rule_is_given_its_status_by_the_view_that_asked_it():
    """A rule whose error is a 404 on the page and a 400 in the API is a Refusal that has not said its status."""
    wrong = [
        f"{path.name}:{node.lineno} {found}"
        for path in modules_of(*APPS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and "ValidationError" in ast.unparse(node.type or node)
        for found in sorted(raised_with_words(node) & OF_HTTP)
    ]
    assert wrong == []


class Full(Refusal):
    code, status, title = "full", 410, "The study is full"

    @property
    def sentences(self) -> list[str]:
        return str(self).split("; ")


@pytest.mark.django_db
def test_a_refusal_that_a_view_lets_pass_is_a_page_with_its_status():
    request = RequestFactory().get("/")
    middleware = RefusalMiddleware(lambda request: None)
    page = middleware.process_exception(request, Full("No place is left; ask for another study"))
    text = page.content.decode()
    assert page.status_code == 410 and "<h1>The study is full</h1>" in text
    assert "<p>No place is left</p>" in text and "<p>ask for another study</p>" in text
    assert middleware.process_exception(request, ValueError("a fault")) is None


@pytest.mark.django_db
def test_who_may_not_or_finds_nothing_sees_the_pages_that_django_would_show():
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    middleware = RefusalMiddleware(lambda request: None)
    refused = middleware.process_exception(request, NotAllowed("Only an administrator may do this."))
    assert refused.status_code == 403 and "<h1>Not open to you</h1>" in refused.text
    assert "Only an administrator may do this." in refused.text
    missing = middleware.process_exception(request, NotFound("There is no such table."))
    assert (missing.status_code, missing.text) == (404, page_not_found(request, Exception()).text)


def test_a_refusal_has_a_sentence_a_code_and_a_status():
    plain = Refusal("Not now.")
    assert (str(plain), plain.code, plain.status) == ("Not now.", "refused", 409)
    assert Refusal("Not now.", "later", 503).code == "later" and Full("x").status == 410
