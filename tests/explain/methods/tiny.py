"""Classifiers whose gradients are known by hand."""

import torch
from torch import Tensor, nn


class Linear(nn.Module):
    """f_k(x) = sum(w_k * x): its gradient is w_k everywhere."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("nchw,khw->nk", x, self.weight)


class Quadratic(nn.Module):
    """f_0(x) = sum(x^2) / 2: its gradient is x."""

    def forward(self, x: Tensor) -> Tensor:
        return (x**2 / 2).sum((2, 3))
