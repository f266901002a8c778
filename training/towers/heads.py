"""What towers end with: a projection into the shared space, or none."""

import torch
from torch import nn


class ProjectionHead(nn.Module):
    """(N, in_dim) features -> (N, dim) unit vectors: a linear map plus a gated two-layer correction of it.

    The correction starts at zero, so the head starts as the linear map, which alone carries most of what a frozen
    backbone knows; the hidden layer then learns what the linear map cannot. A `hidden` of 0 is no correction.
    """

    def __init__(self, in_dim: int, dim: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.linear = nn.Linear(in_dim, dim)
        self.inner = None
        if hidden:
            layers = (nn.Linear(in_dim, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, dim))
            self.inner = nn.Sequential(*layers)
            nn.init.zeros_(self.inner[-1].weight)
            nn.init.zeros_(self.inner[-1].bias)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        vectors = self.linear(features)
        return unit(vectors if self.inner is None else vectors + self.inner(features))


class Unit(nn.Module):
    """Nothing learned: (N, features) less a centre, at length 1.

    All features of a network lie on one side of 0, where any two are alike; seen from their mean they differ.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(features))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return unit(features - self.centre)


def unit(vectors: torch.Tensor) -> torch.Tensor:
    """(..., dim) scaled to length 1; written out because it must export to ONNX as it stands."""
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-6)
