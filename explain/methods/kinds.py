"""The registry of kinds of explanation. No torch here: the web tier imports this file.

A new kind here is one more entry below, its module and its test. An installed package adds kinds without any edit, by
entry points of the group `explain.kinds` (docs/add-a-method.md).
"""

from collections.abc import Mapping

from explain.methods.kind import Kind, Need, Parameter
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

_BOTH: tuple[Need, ...] = ("classifier", "autoencoder")
_START = Parameter(
    name="start",
    default="stable",
    choices=(("stable", "the redrawn image"), ("input", "the radiograph itself")),
    label="Adversary: compared with",
    help="The redrawn image lacks what the adversary lacks by redrawing; the radiograph does not.",
)
_PATH_STEPS = Parameter(
    name="path_steps", default=50, minimum=1, maximum=1000, label="Adversary: steps of the path",
    help="The paper has 50.",
)  # fmt: skip


def _perturbation(sparsity: float, smoothness: float) -> tuple[Parameter, ...]:
    return (
        Parameter("iterations", 150, "Iterations", minimum=1, maximum=2000),
        Parameter("sparsity", sparsity, "Weight of the size of the change", minimum=0.0, maximum=10_000.0),
        Parameter("smoothness", smoothness, "Weight of its roughness", minimum=0.0, maximum=10_000.0),
    )


_OURS = (
    Kind(
        name="input_gradient",
        title="Input gradients",
        what_is_this="Colour marks the pixels where a slight change of brightness would change the prediction most. "
        "It does not say in which direction.",
        parameters=_SMOOTHGRAD,
        compute="explain.methods.at_input:compute_input_gradient",
        signed=True,
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
        signed=True,
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
                minimum=0,
                maximum=1000,  # more change no pixel and take longer
                label="Steps of integrated gradients",
                help="0: chosen for each image, as many as its map needs to settle. Any other number is for all "
                "images: the published maps used 100; 50 is usual.",
                flat=True,
            ),
            *_SMOOTHGRAD,
        ),
        compute="explain.methods.settling:compute",
        signed=True,
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
    Kind(
        name="latentshift_mean",
        title="Latent Shift mean map",
        what_is_this="The image is redrawn by a second model with less and with more of the predicted finding. "
        "Colour marks where the redrawn images differ most on average from the one that was not changed.",
        needs=_BOTH,
        parameters=(_SEARCH,),
        group="latentshift",
        compute="explain.methods.latent_shift:compute_mean",
    ),
    Kind(
        name="latentshift_minmax",
        title="Latent Shift min-max map",
        what_is_this="The image is redrawn by a second model with less and with more of the predicted finding. "
        "Colour marks where the two ends, least and most of it, differ most.",
        needs=_BOTH,
        parameters=(_SEARCH,),
        group="latentshift",
        compute="explain.methods.latent_shift:compute_minmax",
    ),
    Kind(
        name="latentshift_interval",
        title="Latent Shift interval map",
        what_is_this="The image is redrawn by a second model, step by step from less to more of the predicted finding. "
        "Colour marks where it changes most from step to step.",
        needs=_BOTH,
        parameters=(_SEARCH,),
        group="latentshift",
        compute="explain.methods.latent_shift:compute_interval",
    ),
    Kind(
        name="latentshift_flow",
        title="Latent Shift motion",
        what_is_this="The image is redrawn by a second model with less of the predicted finding. Arrows, six "
        "times as long as the motion, show where structures seem to move as it fades; a change of brightness can look "
        "like motion.",
        shows="flow",
        needs=_BOTH,
        parameters=(_SEARCH,),
        group="latentshift",
        compute="explain.methods.flow:compute",
    ),
    Kind(
        name="adversary_difference",
        title="Difference to the counter-example",
        what_is_this="A second model redraws the image so that the prediction becomes as low as it can make it. Colour "
        "marks where the two images differ most, whether or not the prediction depends on it.",
        needs=_BOTH,
        parameters=(_SEARCH, _START),
        group="latentshift",
        compute="explain.methods.adversary:compute_difference",
    ),
    Kind(
        name="path_v1",
        title="Path importance, v1",
        what_is_this="A second model redraws the image so that the prediction becomes low. Colour marks where the two "
        "images differ and the prediction reacts; reactions that cancel on the way between them do not count.",
        needs=_BOTH,
        parameters=(_SEARCH, _START, _PATH_STEPS),
        group="latentshift",
        compute="explain.methods.adversary:compute_v1",
    ),
    Kind(
        name="path_v2",
        title="Path importance, v2",
        what_is_this="A second model redraws the image so that the prediction becomes low. Colour marks where the two "
        "images differ and the prediction reacts, in either direction, on the way between them.",
        needs=_BOTH,
        parameters=(_SEARCH, _START, _PATH_STEPS),
        group="latentshift",
        compute="explain.methods.adversary:compute_v2",
    ),
    Kind(
        name="path_v2k",
        title="Path importance, smoothed",
        what_is_this="A second model redraws the image so that the prediction becomes low. Colour marks where the two "
        "images differ and the prediction reacts on the way between them, smoothed: fine detail is not shown.",
        needs=_BOTH,
        parameters=(_SEARCH, _START, _PATH_STEPS),
        group="latentshift",
        compute="explain.methods.adversary:compute_v2k",
    ),
    Kind(
        name="iterative_delete",
        title="Iterative delete",
        what_is_this="The pixels where a change would raise the prediction most are taken away and the model looks "
        "again, twenty times. Colour marks the pixels that mattered most over all rounds.",
        parameters=(
            Parameter(
                name="variant",
                default="remove",
                choices=(("remove", "take the strongest away"), ("released-code", "keep only the strongest")),
                label="Iterative delete: each round",
                help="The code behind the published table keeps only the strongest pixels.",
            ),
        ),
        compute="explain.methods.iterative_delete:compute",
        signed=True,
    ),
    Kind(
        name="grad_cam",
        title="Grad-CAM",
        what_is_this="Colour marks the regions whose features the model counts in favour of the prediction. It is "
        "coarse: the model's own last grid is enlarged, so borders mean nothing.",
        parameters=(
            Parameter(
                name="variant",
                default="grad-cam",
                choices=(("grad-cam", "Grad-CAM"), ("hirescam", "HiResCAM"), ("grad-cam++", "Grad-CAM++")),
                label="Class activation map",
            ),
            Parameter(
                name="depth",
                default=1,
                minimum=1,
                maximum=5,
                label="Features: 1 the last size, 2 the size before, ...",
                help="Larger: a finer map, of features from earlier in the model. Few models have five sizes.",
            ),
            Parameter(
                name="features",
                default="after",
                choices=(("after", "after the ReLU"), ("before", "before the ReLU")),
                label="Features that a ReLU follows are taken",
            ),
        ),
        compute="explain.methods.at_input:compute_class_activation",
    ),
    Kind(
        name="meaningful_perturbation",
        title="Smallest blur",
        what_is_this="Colour marks the smallest regions that must be blurred for the prediction to fall. Where several "
        "regions would do, it may show only one.",
        parameters=_perturbation(3.0, 10.0),
        compute="explain.methods.perturbation:compute_meaningful",
    ),
    Kind(
        name="additive_perturbation",
        title="Smallest change",
        what_is_this="Colour marks where brightness must be changed, as little as possible, for the prediction to "
        "fall. Such changes may mean nothing to a person.",
        parameters=_perturbation(30.0, 300.0),
        compute="explain.methods.perturbation:compute_additive",
    ),
    Kind(
        name="vagan_map",
        title="VA-GAN map",
        what_is_this="A second model, trained on images with and without the finding, alters this image so that it "
        "looks like one without. Colour marks where brightness changes most. That model does not know the one that "
        "made the prediction: it shows how such images differ, not what this prediction depends on.",
        needs=("classifier", "generator"),
        group="vagan",
        compute="explain.methods.generator:compute",
    ),
    Kind(
        name="vagan_animation",
        title="VA-GAN animation",
        what_is_this="A second model, trained on images with and without the finding, alters this image step by step "
        "so that it looks like one without, and back. That model does not know the one that made the prediction: it "
        "shows how such images differ, not what this prediction depends on.",
        shows="animation",
        needs=("classifier", "generator"),
        group="vagan",
        compute="explain.methods.generator:compute",
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
