"""Temporary states an explanation needs: frozen modules, exact float32. Both are undone, also after an exception."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Put modules in evaluation mode with parameters that need no gradient; afterwards each flag is as it was.

    Evaluation mode keeps the examples of a batch independent of each other (batch normalisation would mix them).
    Without parameter gradients autograd need not keep the input of every convolution.
    """
    training = [(module, module.training) for root in modules for module in root.modules()]
    wanted = [(parameter, parameter.requires_grad) for root in modules for parameter in root.parameters()]
    try:
        for module, _ in training:
            module.training = False
        for parameter, _ in wanted:
            parameter.requires_grad_(False)
        yield
    finally:
        for module, mode in training:
            module.training = mode
        for parameter, needed in wanted:
            parameter.requires_grad_(needed)


def _precision_settings() -> list[tuple[Any, str]]:
    """(object, attribute) of every switch by which this torch may compute float32 with fewer bits."""
    backends: Any = torch.backends
    candidates = [
        backends.cuda.matmul,
        getattr(backends.cudnn, "conv", None),
        getattr(backends.cudnn, "rnn", None),
        getattr(getattr(backends, "mkldnn", None), "conv", None),
        getattr(getattr(backends, "mkldnn", None), "matmul", None),
    ]
    return [(place, "fp32_precision") for place in candidates if hasattr(place, "fp32_precision")]


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """Compute float32 as IEEE float32: no TF32, no bfloat16 products, no autocast.

    Needed wherever a gradient is taken: recent torch lets cuDNN convolutions use TF32, with 10 bits of mantissa.
    """
    settings = _precision_settings()
    before = [getattr(place, name) for place, name in settings]
    with ExitStack() as stack:
        stack.enter_context(torch.autocast(device.type, enabled=False))
        try:
            for place, name in settings:
                setattr(place, name, "ieee")
            yield
        finally:
            for (place, name), value in zip(settings, before):
                setattr(place, name, value)


@contextmanager
def explaining(device: torch.device, *modules: nn.Module) -> Iterator[None]:
    """`frozen` modules and `exact_float32`, with gradients possible even where the caller is in inference mode."""
    with torch.inference_mode(False), frozen(*modules), exact_float32(device):
        yield
