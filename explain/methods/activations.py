"""The ways in which PyTorch code can apply a ReLU or another activation, for explanations that must see each one.

A sigmoid and a softmax are in neither list: nothing tells the one that makes probabilities from one between layers.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

IN_PLACE: frozenset[Callable[..., Any]] = frozenset({F.relu_, torch.relu_, Tensor.relu_})
RELUS = IN_PLACE | {F.relu, torch.relu, Tensor.relu}

OTHER_MODULES = (
    nn.CELU, nn.ELU, nn.GELU, nn.GLU, nn.Hardshrink, nn.Hardswish, nn.Hardtanh, nn.LeakyReLU, nn.LogSigmoid, nn.Mish,
    nn.PReLU, nn.RReLU, nn.SELU, nn.SiLU, nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Threshold,
)  # fmt: skip
_OTHERS = (
    "celu", "elu", "gelu", "glu", "hardshrink", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish", "prelu",
    "relu6", "rrelu", "selu", "silu", "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold",
)  # fmt: skip


def _functions(names: tuple[str, ...]) -> Iterator[Callable[..., Any]]:
    for name in names:
        for place in (F, torch, Tensor):
            for spelt in (name, f"{name}_"):
                if found := getattr(place, spelt, None):
                    yield found


OTHER_FUNCTIONS = frozenset(_functions(_OTHERS))
