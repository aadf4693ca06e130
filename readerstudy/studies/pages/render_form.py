"""The form of a study's parameters of explanations: a field for each parameter that its kinds declare."""

from collections import Counter
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from explain.methods.kind import Parameter
from readerstudy.explanations.parameters import RenderParameters, Stored, parameters_of
from readerstudy.studies.kinds_shown import kinds_shown
from readerstudy.studies.models import Study


class RenderForm(forms.Form):
    """Parameters of the kinds that the study's methods show; those of other kinds stay as they are."""

    def __init__(self, data: Any, study: Study) -> None:
        super().__init__(data)
        self.before = RenderParameters.from_dict(study.render_parameters)
        self.declared = {
            parameter.name if parameter.flat else f"{scope}-{name}": (kind, parameter)
            for (scope, name), (kind, parameter) in parameters_of(kinds_shown(study)).items()
        }
        labels = Counter(parameter.label for _, parameter in self.declared.values())
        for name, (kind, parameter) in self.declared.items():
            self.fields[name] = _field(parameter)
            if labels[parameter.label] > 1:  # kinds with a setting of the same name, each with a value of its own
                self.fields[name].label = f"{kind.title}: {parameter.label}"
            self.initial[name] = self.before.given(kind).get(parameter.name, parameter.default)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name, (_, parameter) in self.declared.items():
            if values.get(name) in (None, ""):
                values[name] = self.initial[name]  # an empty field changes nothing
            if problem := parameter.problem(values[name]):
                self.add_error(name, ValidationError(problem))
        return values

    def stored(self) -> Stored:
        """What Study.render_parameters is to hold."""
        made = self.before
        for name, (kind, parameter) in self.declared.items():
            if parameter.later and self.cleaned_data[name] == parameter.default and name not in self.data:
                continue
            made = made.with_value(kind, parameter, parameter.clean(self.cleaned_data[name]))
        return dict(RenderParameters.from_people(made.stored).stored)


def _field(parameter: Parameter) -> forms.Field:
    texts: dict[str, Any] = {"label": parameter.label, "help_text": parameter.help, "required": False}
    if isinstance(parameter.default, bool):
        return forms.BooleanField(**texts)
    if isinstance(parameter.default, str):
        return forms.ChoiceField(choices=parameter.choices, **texts)
    bounds = {"min_value": parameter.minimum, "max_value": parameter.maximum, **texts}
    return forms.IntegerField(**bounds) if isinstance(parameter.default, int) else forms.FloatField(**bounds)
