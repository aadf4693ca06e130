"""How the API takes what is sent: known names only, older names under their new one, numbers with bounds."""

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from readerstudy.common.wording import quoted

_MOST_MS = 2**31 - 1  # what the database holds: 24 days

# Names that pages of earlier versions send, by serializer: the name of now, or None for what was never stored. A
# browser may have kept answers for weeks, so each stays for at least one release after the one that renamed it.
OLDER_NAMES: dict[str, dict[str, str | None]] = {
    "NewVisit": {"opened_at": "client_opened_at", "elapsed_ms": None},
    "VisitMeasures": {"elapsed_ms": None},
    "NewAnswer": {"elapsed_ms": "answered_ms"},
    "FileShown": {"url": None},
}


class Taken(serializers.Serializer[Any]):
    """The body of a request. A name that is not a field is refused, and nothing of the body is stored."""

    older_names: ClassVar[dict[str, str | None]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.older_names = OLDER_NAMES.get(cls.__name__, {})

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            data = self._renamed(data)
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                said = f"This field is not known here; known: {', '.join(self.fields) or 'none'}."
                raise serializers.ValidationError({quoted(name): said for name in unknown}, "unknown_field")
        return super().to_internal_value(data)

    def _renamed(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Under the names of now. Where a body has both names, that of now counts, unless it is null."""
        body = {name: value for name, value in data.items() if name not in self.older_names}
        for old, new in self.older_names.items():
            if new is not None and old in data and body.get(new) is None:
                body[new] = data[old]
        return body


class Milliseconds(serializers.IntegerField):
    """A page left open over a long weekend is no reason to lose the comment that comes with its times."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, **{"required": False, "allow_null": True, **options})

    def to_internal_value(self, data: Any) -> int:
        return min(super().to_internal_value(data), _MOST_MS)


@extend_schema_field(serializers.FloatField())
class Number(serializers.FloatField):
    """Kept as it was sent: a whole number stays one."""

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        return data if type(data) is int else value
