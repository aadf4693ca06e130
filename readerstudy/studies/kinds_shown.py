"""The kinds that a study shows, with the titles and texts that its readers see.

Both are part of the stimulus: opening a study freezes them in Study.kind_texts, and later edits of the registry, or a
package that is removed, change nothing for its readers. Old studies, opened before there was this, were given the texts
of their day by a migration; those entries are not in the protocol, so that its hash still verifies.
"""

from dataclasses import replace
from typing import Any

from explain.methods.kind import Kind
from readerstudy.explanations.kinds import kind_named, kinds_named
from readerstudy.studies.models import Study

OPENING, UPGRADE = "opening", "upgrade"


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


def texts_to_freeze(study: Study) -> dict[str, dict[str, Any]]:
    """What opening stores as Study.kind_texts."""
    return {
        kind.name: {
            "title": kind.title, "what_is_this": kind.what_is_this, "shows": kind.shows, "fixed_by": OPENING,
        }
        for kind in kinds_shown(study)
    }  # fmt: skip


def texts_in_protocol(study: Study) -> dict[str, dict[str, Any]]:
    """What of Study.kind_texts belongs to the protocol."""
    return {
        name: {key: text for key, text in entry.items() if key != "fixed_by"}
        for name, entry in study.kind_texts.items()
        if entry["fixed_by"] == OPENING
    }


def _names(study: Study) -> list[str]:
    return list(dict.fromkeys(name for method in study.methods.all() for name in method.kinds))
