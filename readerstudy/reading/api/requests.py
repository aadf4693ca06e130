"""What the reading room may send, field by field, with bounds: a body that does not fit is refused with a sentence."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from readerstudy.reading.api.fields import Milliseconds, Number, Taken
from readerstudy.reading.keys import checked

OPTIONAL: dict[str, Any] = {"required": False, "allow_null": True}
# What a reader does in the viewer, as it is counted. A page of an earlier release says these too: take none away.
ACTIONS = (
    *("zoom", "pan", "window", "invert", "reset", "overlay", "opacity", "enlarge", "pair", "next_explanation", "loupe"),
    *("whole", "play", "pause", "step", "speed", "what_is_this", "help"),
)


class Nothing(Taken):
    """No body, or an empty object."""


class FileShown(Taken):
    """A file as the reader's browser drew it; `role` is "image" or the panel's key."""

    role = serializers.CharField(max_length=40)
    sha256 = serializers.CharField(max_length=64, allow_blank=True)
    format = serializers.CharField(max_length=40, allow_blank=True)
    bytes = serializers.IntegerField(min_value=0, max_value=2**40, required=False)


class Extent(Taken):
    """In CSS pixels."""

    width = Number(**OPTIONAL)
    height = Number(**OPTIONAL)
    color_depth = Number(**OPTIONAL)


class GreyWindow(Taken):
    """Of the image's own grey range, 0..1."""

    centre = Number(**OPTIONAL)
    width = Number(**OPTIONAL)
    invert = serializers.BooleanField(**OPTIONAL)


class WindowOffset(Taken):
    """From the image's own window: shift in its widths, factor of its width."""

    shift = Number(**OPTIONAL)
    factor = Number(**OPTIONAL)
    invert = serializers.BooleanField(**OPTIONAL)


class ViewAtFirst(Taken):
    """How the example was first seen."""

    overlay = serializers.BooleanField(**OPTIONAL)
    opacity = Number(**OPTIONAL)
    window = GreyWindow(**OPTIONAL)
    window_offset = WindowOffset(**OPTIONAL)
    animation_speed = Number(**OPTIONAL)


class DisplayCheck(Taken):
    """What the reader said of the grey ramp at the start of the sitting."""

    checked_at = serializers.CharField(max_length=40, **OPTIONAL)
    dark_square_seen = serializers.BooleanField(**OPTIONAL)
    light_square_seen = serializers.BooleanField(**OPTIONAL)
    panel_px = Number(**OPTIONAL)
    large_enough = serializers.BooleanField(**OPTIONAL)


class Display(Taken):
    """The screen, how large the panels were, and how the example was first seen."""

    screen = Extent(**OPTIONAL)
    viewport = Extent(**OPTIONAL)
    device_pixel_ratio = Number(**OPTIONAL)
    panel_px = Number(**OPTIONAL)
    panels_shown = serializers.ChoiceField(choices=["all", "pair", "one"], required=False)
    reduced_motion = serializers.BooleanField(**OPTIONAL)
    view = ViewAtFirst(**OPTIONAL)
    check = DisplayCheck(**OPTIONAL)
    failed_why = serializers.CharField(max_length=2000, allow_blank=True, **OPTIONAL)


class ViewerActions(Taken):
    """How often each was done; a drag, a turn of the wheel or a pinch is one."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name: serializers.IntegerField(min_value=0, max_value=10**6, required=False) for name in ACTIONS}


class VisitMeasures(Taken):
    """Durations in milliseconds since the opening, by the browser's monotonic clock. These fields are Visit's own."""

    images_ready_ms = Milliseconds(help_text="Until all images were shown.")
    first_input_ms = Milliseconds(help_text="Until the first key, click or touch.")
    answered_ms = Milliseconds(help_text="Until the last answer.")
    visible_ms = Milliseconds(help_text="Time the page was visible and no dialog covered it.")
    idle_ms = Milliseconds(help_text="Of that, beyond `idle_after_ms` without any input.")
    animation_loops = serializers.IntegerField(min_value=0, max_value=10**6, required=False)
    display = Display(required=False)
    actions = ViewerActions(required=False)
    files = serializers.ListField(child=FileShown(), required=False, max_length=20)
    comment = serializers.CharField(max_length=2000, allow_blank=True, **OPTIONAL)


MEASURES = tuple(VisitMeasures().get_fields())


class NewVisit(VisitMeasures):
    """One opening of an example; with measures, where the page is being closed."""

    id = serializers.UUIDField(help_text="Made by the client: the same again is the same visit.")
    position = serializers.IntegerField(min_value=1)
    read = serializers.IntegerField(min_value=0, help_text="0 is practice.", **OPTIONAL)
    visit_token = serializers.CharField(max_length=64, help_text="As it came with the example.")
    client_opened_at = serializers.DateTimeField(help_text="By the client's clock.", **OPTIONAL)
    failed_files = serializers.ListField(
        child=serializers.CharField(max_length=120), required=False, max_length=20, help_text="Titles of images."
    )


class NewAnswer(Taken):
    """One score. `position` and `read`, where sent, must be those of the visit."""

    visit = serializers.UUIDField()
    position = serializers.IntegerField(min_value=1, **OPTIONAL)
    read = serializers.IntegerField(min_value=0, **OPTIONAL)
    question = serializers.CharField(max_length=32)
    score = serializers.IntegerField()
    client_answered_at = serializers.DateTimeField(help_text="By the client's clock.", **OPTIONAL)
    answered_ms = Milliseconds(help_text="From the visit's opening to this answer.")
    visible_ms = Milliseconds(help_text="Of that, while the page was visible.")


class FinishedRead(Taken):
    """Which read ends; the open one where it is left out."""

    read = serializers.IntegerField(min_value=0, required=False)


@extend_schema_field(serializers.DictField(child=serializers.ListField(child=serializers.CharField())))
class OwnKeys(serializers.JSONField):
    """{action: [key, ...]}; what is left out has its usual keys, so {} resets all."""

    def to_internal_value(self, data: Any) -> dict[str, list[str]]:
        return checked(super().to_internal_value(data))


class WantedPreferences(Taken):
    """Either or both."""

    single_key_shortcuts = serializers.BooleanField(required=False)
    keys = OwnKeys(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Send single_key_shortcuts, keys or both.")
        return attrs


class Password(Taken):
    """Of the person whose page asks; `page` is the word in the page's `data-page`."""

    password = serializers.CharField(max_length=4096, trim_whitespace=False)
    page = serializers.CharField(max_length=400, allow_blank=True, **OPTIONAL)


class AnyPassword(Password):
    """Of somebody who is logged in already: none is needed."""

    password = serializers.CharField(allow_blank=True, **OPTIONAL)
