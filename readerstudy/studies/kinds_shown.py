"""The kinds that a study shows, with the titles and texts that its readers see, and the texts that all studies share.

They are part of the stimulus: opening a study freezes them in Study.kind_texts, and later edits of the registry, or a
package that is removed, change nothing for its readers. Old studies, opened before there was this, were given the texts
of their day by a migration; those entries are not in the protocol, so that its hash still verifies.

The shared texts are those of the radiograph's panel and of what a map's colours say. A study that opened before they
were frozen too shows them as they stand here: never reword them, but write other ones for new studies.
"""

from dataclasses import replace
from typing import Any

from explain.methods.kind import Kind
from explain.render.colour_scales import SCALES, ColourScale
from readerstudy.explanations.kinds import kind_named, kinds_named
from readerstudy.studies.models import Study

OPENING, UPGRADE = "opening", "upgrade"
INPUT, COLOURS = "(input)", "(colours)"  # entries of Study.kind_texts beside the kinds': no kind can have such a name
_INPUT = {"title": "Input image", "what_is_this": "The part of the radiograph that the model saw."}


def kind_shown(study: Study, name: str) -> Kind:
    """The kind as this study shows it. One that is not known, or no longer, has no more than its name to say."""
    frozen = study.kind_texts.get(name)
    kind = kind_named(name) or Kind("unknown", name[:80] or "unknown", "A picture that another program made.", needs=())
    if frozen is None:
        return kind
    return replace(kind, title=frozen["title"], what_is_this=frozen["what_is_this"], shows=frozen["shows"])


def kinds_shown(study: Study) -> list[Kind]:
    """The kinds of the study's methods that are known here, in the registry's order."""
    return [kind_shown(study, kind.name) for kind in kinds_named(_names(study))]


def titles_shown(study: Study) -> dict[str, str]:
    """Kind -> title, for every kind of the study's methods."""
    return {name: kind_shown(study, name).title for name in _names(study)}


def input_shown(study: Study) -> dict[str, str]:
    """`title` and `what_is_this` of the radiograph's panel."""
    frozen = study.kind_texts.get(INPUT, _INPUT)
    return {name: frozen[name] for name in _INPUT}


def colours_said(study: Study, scale: ColourScale) -> str:
    """What every map's `what_is_this` ends with where it is shown in this scale."""
    return study.kind_texts.get(COLOURS, {}).get(scale.name) or _said_of(scale)


def _said_of(scale: ColourScale) -> str:
    """5 %: what explain.render.pictures.PERCENTILE leaves."""
    return (
        f"The stronger, the {scale.more}. Always the strongest 5 % of pixels are coloured, however weak the evidence."
    )


def texts_to_freeze(study: Study) -> dict[str, dict[str, Any]]:
    """What opening stores as Study.kind_texts."""
    texts: dict[str, dict[str, Any]] = {
        kind.name: {"title": kind.title, "what_is_this": kind.what_is_this, "shows": kind.shows}
        for kind in kinds_shown(study)
    }
    texts[INPUT] = _INPUT
    texts[COLOURS] = {scale.name: _said_of(scale) for scale in SCALES.values()}
    return {name: {**entry, "fixed_by": OPENING} for name, entry in texts.items()}


def texts_in_protocol(study: Study) -> dict[str, dict[str, Any]]:
    """What of Study.kind_texts belongs to the protocol."""
    return {
        name: {key: text for key, text in entry.items() if key != "fixed_by"}
        for name, entry in study.kind_texts.items()
        if entry["fixed_by"] == OPENING
    }


def _names(study: Study) -> list[str]:
    return list(dict.fromkeys(name for method in study.methods.all() for name in method.kinds))
