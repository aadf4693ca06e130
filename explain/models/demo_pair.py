"""The demo's own classifier and autoencoder: small, trained on phantoms (explain.demo), shipped in fixtures/models.

Same interfaces as the real ones, so that the whole product runs without hospital data, a download or a GPU.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from explain.models.weights import load_state

MODEL_SIZE = 224
LATENT_CHANNELS = 32
PATHOLOGIES = ("Atelectasis", "Cardiomegaly", "Effusion", "Mass", "Lung Opacity", "Pneumothorax")  # of the phantoms
# The weights: inside an installed package, or at the top of a checkout.
_PACKAGED = Path(__file__).parents[1] / "_shipped"
DEMO_FOLDER = (_PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "fixtures") / "models"
CLASSIFIER_FILE, AUTOENCODER_FILE, CARD_FILE = (
    "demo-classifier.safetensors",
    "demo-autoencoder.safetensors",
    "card.json",
)


class Residual(nn.Module):
    """Two 3x3 convolutions with a skip; the first may halve the size. Every ReLU is its own module, for hooks."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
        )
        self.second = nn.Sequential(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            pool = nn.AvgPool2d(stride) if stride != 1 else nn.Identity()
            self.skip = nn.Sequential(pool, nn.Conv2d(inputs, outputs, 1, bias=False))
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.second(self.first(x)) + self.skip(x))
        return out


class DemoClassifier(nn.Module):
    """(N, 1, 224, 224) in [-1024, 1024] -> (N, 6) probabilities, calibrated: 0.5 is the operating point.

    Each of 14 x 14 places gives a logit; an image's logit is their soft maximum (log-mean-exp), because a small finding
    disappears in an average.
    """

    pathologies: tuple[str, ...] = PATHOLOGIES
    sharpness = 3.0

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 12, 5, 2, 2, bias=False), nn.BatchNorm2d(12), nn.ReLU())
        self.stages = nn.Sequential(Residual(12, 24, 2), Residual(24, 48, 2), Residual(48, 96, 2), Residual(96, 96))
        self.head = nn.Conv2d(96, len(PATHOLOGIES), 1)
        self.scale = nn.Buffer(torch.ones(len(PATHOLOGIES)))
        self.shift = nn.Buffer(torch.zeros(len(PATHOLOGIES)))

    def features(self, x: Tensor) -> Tensor:
        """(N, 1, 224, 224) -> (N, 96, 14, 14)."""
        maps: Tensor = self.stages(self.stem(x / 1024.0))
        return maps

    def pool(self, features: Tensor) -> Tensor:
        """(N, 96, 14, 14) -> (N, 6) logits before calibration."""
        places = self.head(features).flatten(2)
        count = torch.tensor(float(places.shape[-1]), device=places.device, dtype=places.dtype)
        return (torch.logsumexp(self.sharpness * places, dim=-1) - torch.log(count)) / self.sharpness

    def logits(self, x: Tensor) -> Tensor:
        """(N, 6) logits before calibration."""
        return self.pool(self.features(x))

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.scale * self.logits(x) + self.shift)


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def _double() -> nn.Module:
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)


class DemoAutoencoder(nn.Module):
    """(N, 1, 224, 224) in [-1024, 1024] <-> latent (N, 32, 14, 14); trained with an elastic loss."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            *_convolution(16, 32),
            Residual(32, 64, 2),
            Residual(64, 128, 2),
            nn.Conv2d(128, LATENT_CHANNELS, 1),
            nn.BatchNorm2d(LATENT_CHANNELS, affine=False),  # unit scale: latent noise and shifts have a known size
        )
        self.decoder = nn.Sequential(
            *_convolution(LATENT_CHANNELS, 96),
            Residual(96, 96),
            _double(),
            Residual(96, 64),
            _double(),
            *_convolution(64, 32),
            nn.Conv2d(32, 16, 3, 1, 1),
            nn.PixelShuffle(4),
        )

    def encode(self, x: Tensor) -> Tensor:
        code: Tensor = self.encoder(x / 1024.0)
        return code

    def decode(self, z: Tensor, size: int | tuple[int, int] = MODEL_SIZE) -> Tensor:
        """(N, 32, 14, 14) -> (N, 1, H, W), about [-1024, 1024]; size is (H, W) or one number for both."""
        image: Tensor = 1024.0 * self.decoder(z)
        wanted = (size, size) if isinstance(size, int) else tuple(size)
        if wanted != tuple(image.shape[-2:]):
            image = functional.interpolate(image, size=wanted, mode="bilinear", align_corners=False)
        return image

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x), (x.shape[-2], x.shape[-1]))


def save_demo(classifier: DemoClassifier, autoencoder: DemoAutoencoder, folder: Path) -> None:
    """Write both models' weights as float16 safetensors."""
    folder.mkdir(parents=True, exist_ok=True)
    for model, name in ((classifier, CLASSIFIER_FILE), (autoencoder, AUTOENCODER_FILE)):
        kept = {
            key: value.detach().cpu().half().contiguous()
            for key, value in model.state_dict().items()
            if not key.endswith("num_batches_tracked")
        }
        save_file(kept, folder / name)


def load_demo(
    folder: Path | str | None = None, device: str | torch.device = "cpu"
) -> tuple[DemoClassifier, DemoAutoencoder]:
    """The demo's classifier and autoencoder, in eval mode, float32.

    folder: where the two safetensors are (default: DEMO_FOLDER).
    Raises WeightsError if a file is missing or holds another model's weights; `python -m explain.training` makes new
    ones.
    """
    place = Path(folder) if folder is not None else DEMO_FOLDER
    classifier, autoencoder = DemoClassifier(), DemoAutoencoder()
    for model, name in ((classifier, CLASSIFIER_FILE), (autoencoder, AUTOENCODER_FILE)):
        load_state(model, place / name, [])
        model.float().to(device).eval().requires_grad_(False)
    return classifier, autoencoder
