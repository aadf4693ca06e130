"""Doing what a page was asked, whole or not at all, and saying which of the two happened."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from readerstudy.common.refusals import Refusal


def attempt(request: HttpRequest, action: Callable[[], object], done: str = "") -> bool:
    """Run `action` in a transaction. A refusal (frozen, too few, not now) becomes messages, and nothing is changed."""
    try:
        with transaction.atomic():
            action()
    except (ValidationError, Refusal) as error:
        for sentence in error.sentences if isinstance(error, Refusal) else error.messages:
            messages.error(request, sentence)
        return False
    if done:
        messages.success(request, done)
    return True
