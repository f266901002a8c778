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
