"""The kinds of explanation, with what a page says about each. No torch here: the web tier imports this file.

A new kind is one more entry in KINDS and, where it is computed, the function that makes its map. Raise a kind's
`algorithm_version` whenever its pixels may change for the same image, weights and parameters: stored explanations are
keyed by it and are made again.
"""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Kind:
    """One kind of explanation.

    name: its key in studies, exports and file names; title: its heading on pages; what_is_this: one or two sentences
    for radiologists; uses_autoencoder: whether it needs an autoencoder beside the classifier; animated: frames instead
    of a still map (its map is then the largest change over the frames).
    """

    name: str
    title: str
    algorithm_version: int
    what_is_this: str
    uses_autoencoder: bool = False
    animated: bool = False


_ALL = (
    Kind(
        name="input_gradient",
        title="Input gradients",
        algorithm_version=1,
        what_is_this="Colour marks the pixels where a slight change of brightness would change the prediction most. "
        "It does not say in which direction.",
    ),
    Kind(
        name="guided_backprop",
        title="Guided backprop",
        algorithm_version=1,
        what_is_this="Colour marks the pixels that can raise the prediction, traced back through the parts of the "
        "model that respond to this image. It often follows edges.",
    ),
    Kind(
        name="integrated_gradients",
        title="Integrated gradients",
        algorithm_version=1,
        what_is_this="Colour marks the pixels that contribute most to the prediction, added up while the image fades "
        "in from plain grey. A contribution may be for or against the finding.",
    ),
    Kind(
        name="latentshift_map",
        title="Latent Shift map",
        algorithm_version=1,
        uses_autoencoder=True,
        what_is_this="The image is redrawn by a second model with less and with more of the predicted finding. "
        "Colour marks where the redrawn image changes most.",
    ),
    Kind(
        name="latentshift_animation",
        title="Latent Shift animation",
        algorithm_version=1,
        uses_autoencoder=True,
        animated=True,
        what_is_this="The image is redrawn by a second model, from less to more of the predicted finding and back. "
        "What moves or changes brightness is what the prediction depends on; fine detail is lost in redrawing.",
    ),
)

KINDS = MappingProxyType({kind.name: kind for kind in _ALL})


def kind(name: str) -> Kind:
    """The kind called `name`; a KeyError in words if there is none."""
    if name not in KINDS:
        raise KeyError(f"no kind of explanation is called {name!r}; there are {', '.join(KINDS)}")
    return KINDS[name]
