"""Every kind that is known here: the registry's, and those rendered elsewhere, which are rows."""

from collections.abc import Iterable

from explain.methods.kind import Kind
from explain.methods.kinds import KINDS
from readerstudy.explanations.models import ExternalKind


def known_kinds() -> dict[str, Kind]:
    """Name -> kind, the registry's first; a registered kind keeps its own texts. One query."""
    elsewhere = {row.name: row.kind() for row in ExternalKind.objects.all()}
    return {**KINDS, **{name: kind for name, kind in elsewhere.items() if name not in KINDS}}


def kinds_named(names: Iterable[str]) -> list[Kind]:
    """Those that are known of the names, in the order of `known_kinds`. No query where all are registered."""
    wanted = set(names)
    found = KINDS if wanted <= set(KINDS) else known_kinds()
    return [kind for name, kind in found.items() if name in wanted]


def kind_named(name: str) -> Kind | None:
    """The kind of that name, or None."""
    return next(iter(kinds_named([name])), None)
