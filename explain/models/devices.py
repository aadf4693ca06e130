"""The device that a command's --device names."""

import torch


def device_of(text: str) -> torch.device:
    """cpu, cuda or cuda:N. ValueError in words for another name, or where torch sees no such GPU."""
    try:
        device = torch.device(text)
    except RuntimeError:
        raise ValueError(f"--device {text}: give cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"--device {text}: give cpu, cuda or cuda:N")
    if device.type == "cuda" and (count := torch.cuda.device_count()) <= (device.index or 0):
        raise ValueError(f"--device {text}: torch sees {count} GPUs here; give cpu, or look at the driver")
    return device
