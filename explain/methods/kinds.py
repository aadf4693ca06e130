"""The registry of kinds of explanation. No torch here: the web tier imports this file.

A new kind here is one more entry below, its module and its test. An installed package adds kinds without any edit, by
entry points of the group `explain.kinds` (docs/add-a-method.md).
"""

from collections.abc import Mapping

from explain.methods.kind import Kind, Parameter
from explain.plugins import Registry

_SEARCH = Parameter(
    name="search",
    default="default",
    choices=(("default", "default"), ("paper-2021", "paper-2021"), ("released-code", "released-code")),
    label="Latent Shift search",
    help="“default” aims at a fall by 0.30 and a rise by 0.05; the other two repeat published pictures.",
    flat=True,
)

_SMOOTHGRAD = (
    Parameter(
        name="samples",
        default=0,
        minimum=0,
        maximum=200,
        label="SmoothGrad: noisy copies of each image",
        help="0: none. The map is then the mean over the copies, and takes as many times longer; 50 is usual.",
        later=True,
    ),
    Parameter(
        name="noise",
        default=0.15,
        minimum=0.01,
        maximum=1.0,
        label="SmoothGrad: strength of the noise",
        help="Standard deviation as a share of the image's range.",
        later=True,
    ),
)

_OURS = (
    Kind(
        name="input_gradient",
        title="Input gradients",
        what_is_this="Colour marks the pixels where a slight change of brightness would change the prediction most. "
        "It does not say in which direction.",
        parameters=_SMOOTHGRAD,
        compute="explain.methods.gradients:compute_input_gradient",
    ),
    Kind(
        name="guided_backprop",
        title="Guided backprop",
        what_is_this="Colour marks the pixels that can raise the prediction, traced back through the parts of the "
        "model that respond to this image. It often follows edges.",
        parameters=(
            Parameter(
                name="final_relu",
                default="captum",
                choices=(("captum", "left out, as Captum does"), ("full", "guided too")),
                label="Guided backprop at the model's last ReLU",
                flat=True,
            ),
            *_SMOOTHGRAD,
        ),
        compute="explain.methods.guided:compute",
    ),
    Kind(
        name="integrated_gradients",
        title="Integrated gradients",
        what_is_this="Colour marks the pixels that contribute most to the prediction, added up while the image fades "
        "in from plain grey. A contribution may be for or against the finding.",
        parameters=(
            Parameter(
                name="steps",
                default=50,
                minimum=1,
                maximum=1000,  # more change no pixel and take longer
                label="Steps of integrated gradients",
                help="The published maps used 100.",
                flat=True,
            ),
            *_SMOOTHGRAD,
        ),
        compute="explain.methods.gradients:compute_integrated_gradients",
    ),
    Kind(
        name="latentshift_map",
        title="Latent Shift map",
        what_is_this="The image is redrawn by a second model with less and with more of the predicted finding. "
        "Colour marks where the redrawn image changes most.",
        needs=("classifier", "autoencoder"),
        parameters=(_SEARCH,),
        group="latentshift",
        compute="explain.methods.latent_shift:compute",
    ),
    Kind(
        name="latentshift_animation",
        title="Latent Shift animation",
        what_is_this="The image is redrawn by a second model, from less to more of the predicted finding and back. "
        "What moves or changes brightness is what the prediction depends on; fine detail is lost in redrawing.",
        shows="animation",
        needs=("classifier", "autoencoder"),
        parameters=(_SEARCH,),
        group="latentshift",
        compute="explain.methods.latent_shift:compute",
    ),
)


def _fits(kind: Kind, others: Mapping[str, Kind]) -> None:
    """A parameter has one meaning in its group, and only the first kinds' are stored flat."""
    if not kind.compute:
        raise ValueError(f"{kind.name} has no compute; a kind rendered elsewhere needs no entry in a registry")
    if any(parameter.flat for parameter in kind.parameters):
        raise ValueError(f"{kind.name}: a package's parameters are stored below its kind, not flat")
    for other in others.values():
        if kind.scope in {parameter.name for parameter in other.parameters if parameter.flat}:
            raise ValueError(f"{kind.scope} is the name of a parameter that studies store flat: take another name")
        for mine in kind.parameters if other.scope == kind.scope else ():
            if any(theirs.name == mine.name and theirs != mine for theirs in other.parameters):
                raise ValueError(f"{kind.name} and {other.name} of one group declare {mine.name} differently")


# What was compared in Cohen et al., "Gifsplanation via Latent Shift", MIDL 2021, section 4.6.
COMPARED_2021 = (
    ("input_gradient", "guided_backprop", "integrated_gradients"),
    ("latentshift_map", "latentshift_animation"),
)

KINDS: Registry[Kind] = Registry(_OURS, "explain.kinds", Kind, _fits)


def kind(name: str) -> Kind:
    """The kind called `name`; a KeyError in words if there is none."""
    if name not in KINDS:
        raise KeyError(f"no kind of explanation is called {name!r}; there are {', '.join(KINDS)}")
    return KINDS[name]
