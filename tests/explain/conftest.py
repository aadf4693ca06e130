"""Small seeded models with the interfaces of the real ones."""

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from torchxrayvision.models import DenseNet

torch.set_num_threads(1)  # small models, and a machine that may be busy: threads would wait for each other


def radiographs(count: int, size: int = 32, seed: int = 0) -> Tensor:
    """Smooth seeded images in [-1024, 1024], (count, 1, size, size)."""
    coarse = torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
    return nn.functional.interpolate(coarse, (size, size), mode="bilinear").tanh() * 1024


def seeded_densenet(**options: object) -> "DenseNet":
    """TorchXRayVision's DenseNet with seeded weights and settled batch-norm statistics, calibrated at 0.3."""
    from torchxrayvision.models import DenseNet  # takes two seconds: not where no test asks for it

    torch.manual_seed(0)
    model = DenseNet(num_classes=5, op_threshs=torch.full((5,), 0.3), **options)
    model.train()
    with torch.no_grad():
        for _ in range(20):
            model(radiographs(4, seed=1))
        model.classifier.weight.mul_(10)
    return model.eval()


@pytest.fixture(scope="session")
def densenet() -> "DenseNet":
    """The real DenseNet class, tiny: functional last ReLU, in-place ReLU modules, op_norm calibration."""
    return seeded_densenet(growth_rate=8, block_config=(2, 2), num_init_features=8)
