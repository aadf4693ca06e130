"""What the reading room may send, field by field, with bounds: a body that does not fit is refused with a sentence."""

import json
from typing import Any

from rest_framework import serializers

from readerstudy.reading.keys import KeysRefused, checked

_MOST_MS = 2**31 - 1  # what the database holds: 24 days
_SMALL = 200


def _small_object(value: object) -> None:
    """Small, and of characters that both databases can store in JSON (PostgreSQL takes no NUL, no half a surrogate)."""
    text = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict) or len(value) > _SMALL or len(text) > 20_000:
        raise serializers.ValidationError("Must be an object of at most 200 short entries.")
    if "\\u0000" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise serializers.ValidationError("Must not hold null characters or halves of surrogate pairs.")


class Milliseconds(serializers.IntegerField):
    """A page left open over a long weekend is no reason to lose the comment that comes with its times."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, **options)

    def to_internal_value(self, data: Any) -> int:
        return min(super().to_internal_value(data), _MOST_MS)


class FileShown(serializers.Serializer):
    role = serializers.CharField(max_length=40)
    sha256 = serializers.CharField(max_length=64, allow_blank=True)
    format = serializers.CharField(max_length=40, allow_blank=True)
    bytes = serializers.IntegerField(min_value=0, max_value=2**40, required=False)


class VisitMeasures(serializers.Serializer):
    """Durations in milliseconds since the opening, by the browser's monotonic clock."""

    images_ready_ms = Milliseconds(required=False, allow_null=True)
    first_input_ms = Milliseconds(required=False, allow_null=True)
    answered_ms = Milliseconds(required=False, allow_null=True)
    visible_ms = Milliseconds(required=False, allow_null=True)
    idle_ms = Milliseconds(required=False, allow_null=True)
    animation_loops = serializers.IntegerField(min_value=0, max_value=10**6, required=False)
    display = serializers.JSONField(required=False, validators=[_small_object])
    actions = serializers.DictField(
        child=serializers.IntegerField(min_value=0, max_value=10**6), required=False, validators=[_small_object]
    )
    files = serializers.ListField(child=FileShown(), required=False, max_length=20)
    comment = serializers.CharField(max_length=2000, allow_blank=True, allow_null=True, required=False)


class NewVisit(VisitMeasures):
    id = serializers.UUIDField()
    position = serializers.IntegerField(min_value=1)
    read = serializers.IntegerField(min_value=0, required=False, allow_null=True)
    visit_token = serializers.CharField(max_length=64)
    opened_at = serializers.DateTimeField(required=False, allow_null=True, source="client_opened_at")
    failed_files = serializers.ListField(child=serializers.CharField(max_length=120), required=False, max_length=20)


class AnswerIn(serializers.Serializer):
    visit = serializers.UUIDField()
    position = serializers.IntegerField(min_value=1, required=False, allow_null=True)
    read = serializers.IntegerField(min_value=0, required=False, allow_null=True)
    question = serializers.CharField(max_length=32)
    score = serializers.IntegerField()
    client_answered_at = serializers.DateTimeField(required=False, allow_null=True)
    elapsed_ms = Milliseconds(required=False, allow_null=True)
    visible_ms = Milliseconds(required=False, allow_null=True)


class FinishedRead(serializers.Serializer):
    read = serializers.IntegerField(min_value=0, required=False)


class Preferences(serializers.Serializer):
    """Either or both. `keys`: {action: [key, ...]}, what is left out has its usual keys, so {} resets all."""

    single_key_shortcuts = serializers.BooleanField(required=False)
    keys = serializers.JSONField(required=False)

    def validate_keys(self, own: object) -> dict[str, list[str]]:
        try:
            return checked(own)
        except KeysRefused as refused:
            raise serializers.ValidationError(str(refused)) from refused

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Send single_key_shortcuts, keys or both.")
        return attrs


class AnswerOut(serializers.Serializer):
    saved_at = serializers.DateTimeField()
    revision = serializers.IntegerField()
    score = serializers.IntegerField()


class Feedback(serializers.Serializer):
    truth = serializers.BooleanField()
    text = serializers.CharField()
