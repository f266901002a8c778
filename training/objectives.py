"""Losses: pure functions of tensors."""

import torch
import torch.nn.functional as F


def contrastive(
    a_emb: torch.Tensor, b_emb: torch.Tensor, positive: torch.Tensor, scale: torch.Tensor | float,
    ignore: torch.Tensor | None = None,
) -> torch.Tensor:  # fmt: skip
    """InfoNCE both ways with any number of positives (Khosla et al. 2020, eq. 2, across two modalities).

        row(i) = - sum_j p_ij log softmax_j(scale * a_i . b_j),   p_ij = positive_ij / sum_j positive_ij

    and the mean of row() over rows and over columns alike. With one positive a row this is CLIP's loss.

    Args:
        a_emb:    (A, dim) unit vectors.
        b_emb:    (B, dim) unit vectors.
        positive: (A, B) weights >= 0; a row or column without any takes no part as an anchor, only as a negative.
        scale:    1 / temperature.
        ignore:   (A, B) bool, pairs that are neither positive nor negative.

    Returns:
        A scalar; 0 if there is no positive pair at all.
    """
    logits = scale * a_emb @ b_emb.T  # (A, B)
    if ignore is not None:
        logits = logits.masked_fill(ignore & (positive == 0), -1e4)
    return 0.5 * (_cross_entropy(logits, positive) + _cross_entropy(logits.T, positive.T))


def _cross_entropy(logits: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    total = weight.sum(1)
    rows = -(weight * F.log_softmax(logits, dim=1)).sum(1) / total.clamp_min(1e-9)
    anchors = (total > 0).to(rows.dtype)
    return (rows * anchors).sum() / anchors.sum().clamp_min(1.0)


def distillation(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Mean of 1 - cos over rows: (N, dim) both, the student's of any length, the teacher's of length 1."""
    return 1 - (F.normalize(student, dim=1) * teacher).sum(1).mean()


def same(a_labels: torch.Tensor, b_labels: torch.Tensor) -> torch.Tensor:
    """(A,), (B,) integer labels -> (A, B) bool: equal, and known (a label of -1 equals nothing)."""
    return (a_labels[:, None] == b_labels[None, :]) & (a_labels[:, None] >= 0)


def triplet(
    a_emb: torch.Tensor, b_emb: torch.Tensor, positive: torch.Tensor, margin: float, ignore: torch.Tensor | None = None
) -> torch.Tensor:
    """Triplet margin with semi-hard negatives, from one set of items to another.

        mean over (i, p) of max(0, |a_i - b_p| - |a_i - b_n| + margin)

    with p the items that match anchor i, and n the nearest wrong item that is farther than p, or the farthest where all
    are nearer (Schroff et al. 2015, section 3.2). With the nearest of all instead, everything soon collapses into one
    point, where the loss is the margin. What matches is asked of each anchor alone: that two items match the same third
    makes them no match.

    Args:
        a_emb:    (A, dim) anchors; b_emb: (B, dim).
        positive: (A, B) bool.
        ignore:   (A, B) bool, pairs that are neither, such as an item and itself.

    Returns:
        A scalar; 0 if no anchor has both a positive and a negative.
    """
    distance = torch.cdist(a_emb, b_emb)  # (A, B)
    neither = torch.zeros_like(positive) if ignore is None else ignore
    negative = ~(positive | neither)
    farther = negative[:, None, :] & (distance[:, None, :] > distance[:, :, None])  # (A, positives, negatives)
    nearest = distance[:, None, :].expand_as(farther).masked_fill(~farther, torch.inf).min(2).values  # (A, B)
    farthest = distance.masked_fill(~negative, -torch.inf).max(1, keepdim=True).values  # (A, 1)
    wrong = torch.where(nearest.isfinite(), nearest, farthest)
    counted = positive & ~neither & negative.any(1, keepdim=True)
    if not counted.any():
        return distance.sum() * 0
    return F.relu(distance - wrong + margin)[counted].mean()


def quantisation(code: torch.Tensor) -> torch.Tensor:
    """How far real-valued codes (N, bits) in -1..1 are from their signs: mean of (|code| - 1)^2."""
    return (code.abs() - 1).square().mean()


def imbalance(code: torch.Tensor) -> torch.Tensor:
    """How far the bits of codes (N, bits) are from being on half the time: mean over bits of (mean over items)^2."""
    return code.mean(0).square().mean()


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(context, x: torch.Tensor, strength: float) -> torch.Tensor:
        context.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(context, gradient: torch.Tensor):
        return -context.strength * gradient, None


def reversed_gradient(x: torch.Tensor, strength: float) -> torch.Tensor:
    """x itself; on the way back its gradient is multiplied by -strength (Ganin et al. 2016, section 4.2)."""
    return _Reversal.apply(x, strength)


def ramp(epoch: float, threshold: float, length: float) -> float:
    """The gradient reversal's strength: 0 up to epoch `threshold`, then rising to 1 within `length` epochs."""
    return min(max((epoch - threshold) / length, 0.0), 1.0)
