"""Models small enough to explain a case in milliseconds, with the interfaces of the real ones; loaded by path."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import interpolate


class TinyClassifier(nn.Module):
    """Two pathologies: how bright the left and the right half of a blurred image are."""

    pathologies = ("Cardiomegaly", "Effusion")

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(28)
        self.hidden = nn.Linear(64, 12)
        self.relu = nn.ReLU()
        self.head = nn.Linear(12, 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.head(self.relu(self.hidden((self.pool(x) / 1024).flatten(1)))))


class TinyAutoencoder(nn.Module):
    """Keeps a 16 x 16 thumbnail, nearly."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def encode(self, x: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(x, 14) / 1024 * self.scale

    def decode(self, z: Tensor, size: tuple[int, int]) -> Tensor:
        return interpolate(z * 1024 / self.scale, size=size, mode="bilinear", align_corners=False)


def save_tiny_weights(folder: Path) -> tuple[Path, Path]:
    """Seeded weights as safetensors files: classifier, autoencoder."""
    torch.manual_seed(3)
    paths = folder / "tiny-classifier.safetensors", folder / "tiny-autoencoder.safetensors"
    for path, module in zip(paths, (TinyClassifier(), TinyAutoencoder()), strict=True):
        save_file(module.state_dict(), path)
    return paths
