"""What a model folder's config may name as its architecture: a name -> a function that makes the module, no weights."""

from collections.abc import Callable
from typing import cast

import torch
from torch import nn

from explain.models.demo_pair import DemoAutoencoder, DemoClassifier
from explain.models.folders import ModelFolder
from explain.models.map_generator import MapGenerator
from explain.models.resnet_autoencoder import ResNetAutoencoder, Shape
from explain.models.weights import WeightsError

Build = Callable[[ModelFolder], nn.Module]


def _densenet121(folder: ModelFolder) -> nn.Module:
    import torchxrayvision as xrv  # longer to import than torch

    if not any(folder.pathologies):
        raise WeightsError(f"{folder.path}: the config names no pathologies")
    module = xrv.models.DenseNet(num_classes=len(folder.pathologies), apply_sigmoid=folder.op_threshs is None)
    module.targets = module.pathologies = list(folder.pathologies)
    if folder.op_threshs is not None:
        threshs = [float("nan") if value is None else value for value in folder.op_threshs]
        module.op_threshs = torch.tensor(threshs)
    return cast(nn.Module, module)


def _demo_classifier(folder: ModelFolder) -> nn.Module:
    module = DemoClassifier()
    if folder.pathologies != tuple(module.pathologies) or folder.op_threshs is not None:
        named = ", ".join(module.pathologies)
        raise WeightsError(f"{folder.path}: this architecture is calibrated and predicts {named}, in this order")
    return module


def _demo_autoencoder(folder: ModelFolder) -> nn.Module:
    return DemoAutoencoder()


def _resnet_autoencoder(folder: ModelFolder) -> nn.Module:
    import torchxrayvision as xrv

    module = xrv.autoencoders.ResNetAE101()
    module.weights = None  # its __repr__ needs it
    return cast(nn.Module, module)


def _own_autoencoder(folder: ModelFolder) -> nn.Module:
    try:
        return ResNetAutoencoder(Shape(size=folder.input_size, **folder.options))
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{folder.path}: no network has the options of its config ({error})") from error


def _map_generator(folder: ModelFolder) -> nn.Module:
    try:
        return MapGenerator(**folder.options, size=folder.input_size)
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError) as error:
        raise WeightsError(f"{folder.path}: no network has the options of its config ({error})") from error


CLASSIFIERS: dict[str, Build] = {
    "xrv-densenet121": _densenet121,
    "demo-classifier": _demo_classifier,
}
AUTOENCODERS: dict[str, Build] = {
    "xrv-resnetae-101": _resnet_autoencoder,
    "demo-autoencoder": _demo_autoencoder,
    "resnet-autoencoder": _own_autoencoder,
}
GENERATORS: dict[str, Build] = {
    "map-generator": _map_generator,
}
