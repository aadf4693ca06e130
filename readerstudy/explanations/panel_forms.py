"""The four forms of a kind: what each is called, and which of its files a reader's page shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from explain.methods.kind import Form
from readerstudy.explanations.models import ExplanationFile

_Role = ExplanationFile.Role


@dataclass(frozen=True)
class PanelForm:
    """noun: for neutral titles, such as Map 1. type: what pages
    from before `shows` know it as. role: of the file shown.
    url_field: where its address stands. alone: the file that shows it without the radiograph's panel.
    layered: it lies over the radiograph, with the opacity that the reader sets. coloured: its colours are the study's
    scale.
    """

    noun: str
    type: str
    role: ExplanationFile.Role
    url_field: str
    alone: ExplanationFile.Role
    layered: bool = False
    coloured: bool = False


FORMS: Mapping[Form, PanelForm] = MappingProxyType(
    {
        "still": PanelForm("map", "map", _Role.LAYER, "layer_url", _Role.OVERLAY, layered=True, coloured=True),
        "animation": PanelForm("animation", "animation", _Role.STRIP, "strip_url", _Role.GIF),
        "curve": PanelForm("curve", "map", _Role.LAYER, "layer_url", _Role.LAYER),
        "flow": PanelForm("flow", "map", _Role.LAYER, "layer_url", _Role.OVERLAY, layered=True),
    }
)
