"""Losses: pure functions of tensors, each a scalar to be minimised."""

import torch
import torch.nn.functional as F


def contrastive(
    a_emb: torch.Tensor,
    b_emb: torch.Tensor,
    positive: torch.Tensor,
    scale: torch.Tensor | float,
    ignore: torch.Tensor | None = None,
) -> torch.Tensor:
    """Symmetric InfoNCE with any number of positives (SupCon, Khosla et al. 2020, eq. 2, across two modalities).

        row(i) = - sum_j p_ij log softmax_j(scale * a_i . b_j),   p_ij = positive_ij / sum_j positive_ij

    averaged over rows, and over columns likewise. With one positive a row this is CLIP's loss.

    Args:
        a_emb:    (A, dim) unit vectors.
        b_emb:    (B, dim) unit vectors.
        positive: (A, B) weights >= 0; a row or column without any counts only as a negative.
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
    """Mean cosine distance of the student's vectors (N, dim) to the teacher's unit vectors (N, dim): a scalar in 0..2.

    >>> float(distillation(torch.tensor([[3.0, 0.0], [0.0, 2.0]]), torch.tensor([[1.0, 0.0], [1.0, 0.0]])))
    0.5
    """
    return 1 - (F.normalize(student, dim=1) * teacher).sum(1).mean()


def same(a_labels: torch.Tensor, b_labels: torch.Tensor) -> torch.Tensor:
    """Whether two items have the same label: (A,), (B,) integers -> (A, B) bool; -1 is no label and equals nothing.

    >>> same(torch.tensor([3, -1]), torch.tensor([3, 4, -1])).tolist()
    [[True, False, False], [False, False, False]]
    """
    return (a_labels[:, None] == b_labels[None, :]) & (a_labels[:, None] >= 0)


SEMI_HARD, RANDOM = "semi-hard", "random"


def triplet(
    a_emb: torch.Tensor,
    b_emb: torch.Tensor,
    positive: torch.Tensor,
    margin: float,
    ignore: torch.Tensor | None = None,
    negatives: str = SEMI_HARD,
) -> torch.Tensor:
    """Triplet margin loss from anchors of one set to items of another, with semi-hard or with random negatives.

        mean over (i, p) of max(0, |a_i - b_p| - |a_i - b_n| + margin)

    where p runs over the positives of anchor i, and n is the nearest negative that is farther away than p; if there is
    none, the farthest negative (Schroff et al. 2015, section 3.2). The hardest negatives would soon collapse the
    embedding to one point. Positives are given per pair, because matching need not be transitive.

    Args:
        a_emb:    (A, dim) anchors.
        b_emb:    (B, dim) positives and negatives.
        positive: (A, B) bool.
        margin:   by how much a negative should be farther away than a positive.
        ignore:   (A, B) bool, pairs that are neither positive nor negative, such as an item and itself.
        negatives: "semi-hard"; or "random": one for each anchor, the same for all its positives, drawn with torch's
            global generator.

    Returns:
        A scalar; 0 if no anchor has both a positive and a negative.
    """
    distance = torch.cdist(a_emb, b_emb)  # (A, B)
    neither = torch.zeros_like(positive) if ignore is None else ignore
    negative = ~(positive | neither)
    counted = positive & ~neither & negative.any(1, keepdim=True)
    if not counted.any():
        return distance.sum() * 0
    if negatives == RANDOM:
        some = negative | ~negative.any(1, keepdim=True)  # an anchor without a negative isn't counted
        drawn = torch.multinomial(some.float(), 1)
        return F.relu(distance - distance.gather(1, drawn) + margin)[counted].mean()
    farther = negative[:, None, :] & (distance[:, None, :] > distance[:, :, None])  # (A, positives, negatives)
    nearest = distance[:, None, :].expand_as(farther).masked_fill(~farther, torch.inf).min(2).values  # (A, B)
    farthest = distance.masked_fill(~negative, -torch.inf).max(1, keepdim=True).values  # (A, 1)
    wrong = torch.where(nearest.isfinite(), nearest, farthest)
    return F.relu(distance - wrong + margin)[counted].mean()


def quantisation(code: torch.Tensor) -> torch.Tensor:
    """Quantisation error of real-valued codes (N, bits) in -1..1: the mean of (|code| - 1)^2, a scalar.

    >>> float(quantisation(torch.tensor([[1.0, -0.5]])))
    0.125
    """
    return (code.abs() - 1).square().mean()


def imbalance(code: torch.Tensor) -> torch.Tensor:
    """Bit imbalance of codes (N, bits): the mean over bits of (mean over items)^2, a scalar. It is 0 if every bit is
    set for half of the items.

    >>> float(imbalance(torch.tensor([[1.0, 1.0], [1.0, -1.0]])))
    0.5
    """
    return code.mean(0).square().mean()


class _GradientReversal(torch.autograd.Function):
    @staticmethod
    def forward(context, x: torch.Tensor, strength: float) -> torch.Tensor:
        context.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(context, gradient: torch.Tensor):
        return -context.strength * gradient, None


def reversed_gradient(x: torch.Tensor, strength: float) -> torch.Tensor:
    """Gradient reversal: the identity forward, gradient times -strength backward (Ganin et al. 2016, section 4.2)."""
    return _GradientReversal.apply(x, strength)


def ramp(epoch: float, threshold: float, length: float) -> float:
    """Strength of the gradient reversal: 0 until epoch `threshold`, then rising linearly to 1 over `length` epochs.

    >>> [ramp(epoch, 5, 20) for epoch in (5, 15, 30)]
    [0.0, 0.5, 1.0]
    """
    return min(max((epoch - threshold) / length, 0.0), 1.0)
