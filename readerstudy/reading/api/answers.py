"""What the reading room answers, by name and type: the API's description and the types of JavaScript are made of it.

The values come from presentation.py, which spells out what a reader is told. A test holds every answer to these shapes.
"""

from typing import Any

from rest_framework import serializers

from readerstudy.explanations.panel_forms import FORMS
from readerstudy.studies.models import Study

NULL: dict[str, Any] = {"allow_null": True}
LEFT_OUT: dict[str, Any] = {"required": False}


class Shape(serializers.Serializer[Any]):
    # A part of an answer. Fields are always there, unless they are not required. (A comment: the API's description
    # would say a docstring again of each part.)
    pass


class StudyFacts(Shape):
    slug = serializers.CharField()
    title = serializers.CharField()
    show_frame_predictions = serializers.BooleanField()
    overlay_at_first = serializers.BooleanField(help_text="False: every example starts without its heat maps.")
    needs_large_screen = serializers.BooleanField(help_text="Phones are refused.")
    wl_drag_direction = serializers.ChoiceField(choices=Study.DragDirection.values)
    allow_changes = serializers.BooleanField(help_text="An answer can be changed until the read is finished.")
    single_key_shortcuts = serializers.BooleanField(help_text="The reader's own setting.")
    panel_columns = serializers.IntegerField(help_text="The most panels that any method of the study shows.")


class ReadFacts(Shape):
    number = serializers.IntegerField(help_text="0 is practice.")
    of = serializers.IntegerField(help_text="How many reads there are.")
    total = serializers.IntegerField(help_text="Examples in this read.")
    done = serializers.IntegerField(help_text="Examples with an answer to every question.")
    state = serializers.ChoiceField(choices=["open", "finished"])
    resume_position = serializers.IntegerField(help_text="The first example with an open question, or the last one.")
    seconds_per_example = serializers.FloatField(help_text="Median; null before five are known.", **NULL)


class Question(Shape):
    key = serializers.CharField()
    text = serializers.CharField()
    minimum = serializers.IntegerField()
    maximum = serializers.IntegerField()
    low_label = serializers.CharField(allow_blank=True)
    high_label = serializers.CharField(allow_blank=True)


class Shortcut(Shape):
    action = serializers.CharField()
    keys = serializers.ListField(child=serializers.CharField(), help_text="The signs they write, the first one shown.")
    says = serializers.CharField(help_text="What it does.")


class State(Shape):
    study = StudyFacts()
    reader = serializers.CharField(help_text="R1, R2, ...")
    read = ReadFacts()
    questions = Question(many=True)
    keys = Shortcut(many=True)
    simulated = serializers.BooleanField()
    idle_after_ms = serializers.IntegerField(help_text="Visible time without input beyond this is idle.")


class ExampleFacts(Shape):
    """Null: the study does not tell it, or it is not known."""

    pathology = serializers.CharField()
    probability_percent = serializers.IntegerField(**NULL)
    probability_band = serializers.CharField(help_text="In words, such as “75–100 %”.", **NULL)
    sex = serializers.CharField(**NULL)
    age = serializers.CharField(**NULL)
    view = serializers.CharField(help_text="AP, PA ...", **NULL)
    origin = serializers.CharField(help_text="The data set that the image is from.", **NULL)


class MethodFacts(Shape):
    label = serializers.CharField()  # type: ignore[assignment]  # hides a label that no form shows


class ImageFacts(Shape):
    url = serializers.CharField(**NULL)
    bits = serializers.IntegerField(help_text="Up to 8: a grey PNG. More: high byte in red, low byte in green.")
    window = serializers.ListField(
        child=serializers.IntegerField(), min_length=2, max_length=2, help_text="Darkest, brightest; null: all.", **NULL
    )
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    sha256 = serializers.CharField(help_text="A keyed hash of the stored file.")


class Field(Shape):
    """A square of the radiograph, in its pixels."""

    x = serializers.FloatField()
    y = serializers.FloatField()
    size = serializers.FloatField()


class CaseFacts(Shape):
    image = ImageFacts()
    crop = Field(help_text="The model's field of view.")


class PanelFacts(Shape):
    """What is there beside the first six goes by `shows`."""

    key = serializers.CharField()
    title = serializers.CharField()
    what_is_this = serializers.CharField()
    shows = serializers.ChoiceField(choices=("input", *FORMS), help_text="The panel's form.")
    type = serializers.ChoiceField(choices=["input", "map", "animation"], help_text="For pages older than `shows`.")
    sha256s = serializers.DictField(child=serializers.CharField(), help_text="Keyed hashes by field, as layer_url.")
    layer_url = serializers.CharField(help_text="still, curve, flow: a PNG with alpha.", **LEFT_OUT, **NULL)
    opacity = serializers.FloatField(help_text="still, flow: at first, 0..1.", **LEFT_OUT)
    legend = serializers.ListField(
        child=serializers.CharField(), help_text="still: colours, the weakest pixel's first.", **LEFT_OUT
    )
    strip_url = serializers.CharField(help_text="animation: a grey PNG of square frames.", **LEFT_OUT, **NULL)
    frames = serializers.IntegerField(**LEFT_OUT)
    frame_ms = serializers.IntegerField(**LEFT_OUT)
    unchanged_frame = serializers.IntegerField(help_text="The frame that is the image unchanged.", **LEFT_OUT, **NULL)
    frame_predictions = serializers.ListField(child=serializers.FloatField(), **LEFT_OUT, **NULL)


class Assignment(Shape):
    position = serializers.IntegerField()
    total = serializers.IntegerField()
    example = ExampleFacts()
    method = MethodFacts()
    practice = serializers.BooleanField()
    case = CaseFacts()
    panels = PanelFacts(many=True)
    not_asked = serializers.ListField(child=serializers.CharField(), help_text="Questions this method leaves out.")
    answers = serializers.DictField(child=serializers.IntegerField(), help_text="The latest score, by question.")
    comment = serializers.CharField(allow_blank=True)
    visit_token = serializers.CharField(help_text="Comes back with the visit.")


class AnswersOfExample(Shape):
    position = serializers.IntegerField()
    answers = serializers.DictField(child=serializers.IntegerField())
    not_asked = serializers.ListField(child=serializers.CharField())


class Answers(Shape):
    examples = AnswersOfExample(many=True)


class Started(Shape):
    read = serializers.IntegerField(help_text="The number of the open read; 0 is practice.")
    practice = serializers.BooleanField(help_text="True: its paths are below practice/.")


class VisitOpened(Shape):
    id = serializers.UUIDField()
    saved_at = serializers.DateTimeField(help_text="By the server's clock.")


class Saved(Shape):
    saved_at = serializers.DateTimeField(help_text="By the server's clock.")


class AnswerStored(Shape):
    saved_at = serializers.DateTimeField(help_text="By the server's clock.")
    revision = serializers.IntegerField()
    score = serializers.IntegerField()


class Feedback(Shape):
    truth = serializers.BooleanField(help_text="Whether the pathology is present.")
    text = serializers.CharField()


class Finished(Shape):
    finished_at = serializers.DateTimeField()
    detail = serializers.CharField(help_text="A sentence for the reader, such as when the next read opens.")


class Preferences(Shape):
    single_key_shortcuts = serializers.BooleanField()
    keys = Shortcut(many=True)


class LoggedIn(Shape):
    reader = serializers.CharField(help_text="The account's name.")
