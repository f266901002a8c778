"""What towers end with: a projection into the shared space, or none; and what queries pass through after it."""

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


class Preserving(nn.Module):
    """(N, in_dim) features -> unit vectors (N, dim + in_dim): a head's, and beside them, `share` as long, the features
    themselves, in which is still what a network knew of things that the head was never taught about.

    In training the head is alone, and gives (N, dim): taught side by side with them, it does no better.
    """

    def __init__(self, head: nn.Module, in_dim: int, share: float) -> None:
        super().__init__()
        self.head, self.kept, self.share = head, Unit(in_dim), share

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        vectors = self.head(features)
        return vectors if self.training else unit(torch.cat([vectors, self.share * self.kept(features)], dim=-1))


class Discriminant(nn.Module):
    """Queries (N, dim) -> unit vectors whose products with photos' vectors tell classes apart as linear discriminant
    analysis does (Fisher 1936): directions in which photos of one class differ count for less.

    It begins as nothing, and is read off training items, not trained. Photos' vectors stay as they are, for the inverse
    covariance can be all on the queries' side.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, dim)
        nn.init.eye_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, queries: torch.Tensor) -> torch.Tensor:
        return unit(self.linear(queries))

    @torch.no_grad()
    def settle(self, queries: torch.Tensor, photos: torch.Tensor, classes: torch.Tensor, shrinkage: float) -> None:
        """queries: (M, dim), whose mean becomes the origin. photos: (N, dim) of classes (N,). shrinkage: how many times
        the mean variance is added to the covariance within classes, which a few photos a class only hint at."""
        known, row = classes.unique(return_inverse=True)
        means = torch.stack([photos[row == n].mean(0) for n in range(len(known))])
        covariance = torch.cov((photos - means[row]).T, correction=0)
        variance = covariance.diagonal().mean()
        inverse = torch.linalg.inv(covariance / variance + shrinkage * torch.eye(len(covariance), device=photos.device))
        self.linear.weight.copy_(inverse)
        self.linear.bias.copy_(-inverse @ queries.mean(0))


class Recall(nn.Module):
    """Unit vectors (N, dim) -> the same, moved towards those of a memory that they may be of.

    The move is a step of a Hopfield network (Ramsauer et al. 2021, Hopfield networks is all you need, eq. 3): towards
    what is expected of softmax(scale * products), a classifier's own probabilities where it was trained at that scale.

    memory: (M, dim) unit vectors. share: how much of what is recalled is added.
    """

    def __init__(self, memory: torch.Tensor, scale: torch.Tensor, share: float) -> None:
        super().__init__()
        self.register_buffer("memory", memory)
        self.register_buffer("scale", scale.reshape(1))
        self.share = share

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        likely = (self.scale * vectors @ self.memory.T).softmax(1)
        return unit(vectors + self.share * likely @ self.memory)


def unit(vectors: torch.Tensor) -> torch.Tensor:
    """(..., dim) scaled to length 1; written out because it must export to ONNX as it stands."""
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-6)
