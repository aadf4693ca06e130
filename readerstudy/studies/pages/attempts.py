"""Doing what a page was asked, whole or not at all, and saying which of the two happened."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest


def attempt(request: HttpRequest, action: Callable[[], object], done: str) -> bool:
    """Run `action` in a transaction. A refusal (frozen, too few, not now) becomes messages, and nothing is changed."""
    try:
        with transaction.atomic():
            action()
    except ValidationError as error:
        for sentence in error.messages:
            messages.error(request, sentence)
        return False
    messages.success(request, done)
    return True
