"""Heads: a backbone's features -> unit vectors in the shared space; and modules applied to those at inference."""

import torch
from torch import nn


class ProjectionHead(nn.Module):
    """A linear map plus an MLP with one hidden layer: features (N, in_dim) -> unit vectors (N, dim).

    The MLP's last layer is initialised to zero, so the head starts linear. With hidden=0 there is no MLP.
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


class CentredUnit(nn.Module):
    """Subtracts a mean and scales to unit length: (N, features) -> (N, features). Nothing is learned.

    Pooled features are mostly positive, so all their cosines are high; centring spreads them out.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(features))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return unit(features - self.centre)


class HeadAndFeatures(nn.Module):
    """Concatenates a head's unit vector with the centred features: (N, in_dim) -> unit vectors (N, dim + in_dim).

    The features, scaled to the length `scale`, generalise better to classes that the head was not trained on. In
    training mode the output is the head's (N, dim) alone.
    """

    def __init__(self, head: nn.Module, in_dim: int, scale: float) -> None:
        super().__init__()
        self.head, self.features, self.scale = head, CentredUnit(in_dim), scale

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        vectors = self.head(features)
        return vectors if self.training else unit(torch.cat([vectors, self.scale * self.features(features)], dim=-1))


class Discriminant(nn.Module):
    """Linear discriminant analysis (Fisher 1936) on the query side: query vectors (N, dim) -> unit vectors (N, dim).

    The dot product of its output with a photo's vector is the LDA score: directions in which photos of one class vary
    weigh less. The whole inverse covariance is applied to queries, so photo vectors stay unchanged. It is the identity
    until `fit_lda` is called, and is not trained by gradient.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, dim)
        nn.init.eye_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, queries: torch.Tensor) -> torch.Tensor:
        return unit(self.linear(queries))

    @torch.no_grad()
    def fit_lda(self, queries: torch.Tensor, photos: torch.Tensor, classes: torch.Tensor, shrinkage: float) -> None:
        """Fit to training items, in place.

        Args:
            queries:   (M, dim); their mean is subtracted from every query.
            photos:    (N, dim); their within-class covariance is inverted.
            classes:   (N,) integer classes of the photos.
            shrinkage: multiple of the mean variance that is added to the covariance's diagonal.
        """
        names, row = classes.unique(return_inverse=True)
        means = torch.stack([photos[row == n].mean(0) for n in range(len(names))])
        covariance = torch.cov((photos - means[row]).T, correction=0)
        variance = covariance.diagonal().mean()
        inverse = torch.linalg.inv(covariance / variance + shrinkage * torch.eye(len(covariance), device=photos.device))
        self.linear.weight.copy_(inverse)
        self.linear.bias.copy_(-inverse @ queries.mean(0))


class PrototypePull(nn.Module):
    """Pulls unit vectors (N, dim) towards class prototypes, weighted by softmax probabilities, and renormalises.

        x + share * sum_m softmax_m(scale * x . p_m) p_m, at unit length

    One step of a modern Hopfield network (Ramsauer et al. 2021, eq. 3). If the prototypes were trained as a classifier
    at this scale, the weights are its class probabilities.
    """

    def __init__(self, prototypes: torch.Tensor, scale: torch.Tensor, share: float) -> None:
        """
        Args:
            prototypes: (M, dim) unit vectors.
            scale:      scalar tensor, 1 / temperature.
            share:      weight of the pull.
        """
        super().__init__()
        self.register_buffer("prototypes", prototypes)
        self.register_buffer("scale", scale.reshape(1))
        self.share = share

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        probabilities = (self.scale * vectors @ self.prototypes.T).softmax(1)
        return unit(vectors + self.share * probabilities @ self.prototypes)


class Classifier(nn.Module):
    """A linear classifier over standardised features: (N, features) -> logits (N, C).

    The standardisation stays apart: folded into the weights, those of features that hardly vary would be so large that
    rounding to 8 bits loses the others.
    """

    def __init__(self, mean: torch.Tensor, spread: torch.Tensor, count: int) -> None:
        """
        Args:
            mean, spread: (features,) the mean and the standard deviation of each feature.
            count: number of classes.
        """
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        self.linear = nn.Linear(len(mean), count)
        nn.init.zeros_(self.linear.weight)

    def forward(self, features: torch.Tensor, dropped: float = 0.0) -> torch.Tensor:
        """`dropped`: the share of the features that is dropped in training."""
        standard = (features - self.mean) / self.spread
        return self.linear(nn.functional.dropout(standard, dropped, self.training) if dropped else standard)


def unit(vectors: torch.Tensor) -> torch.Tensor:
    """Scale vectors (..., dim) to unit length. Written out in operations that ONNX has too."""
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-6)
