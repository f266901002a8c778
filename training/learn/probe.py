"""A linear probe: how well a fresh linear classifier tells two domains apart by their vectors."""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS = 5


def domain_probe(a_emb: np.ndarray, b_emb: np.ndarray, a_classes: Sequence[str], b_classes: Sequence[str]) -> float:
    """Balanced accuracy of a logistic regression that tells the domain of a vector; 0.5 is chance.

    It is fitted on the items of some classes and tested on those of the others, in five folds of whole classes, so that
    it must find what sketches of any class have and photos have not. Its input is standardised, with L2 of weight 1.

    Args:
        a_emb, b_emb: (A, dim) and (B, dim), the vectors of the two domains.
        a_classes, b_classes: the class of each.

    Raises:
        ValueError: fewer classes than folds.
    """
    vectors, domain = np.concatenate([a_emb, b_emb]), np.repeat([0, 1], [len(a_emb), len(b_emb)])
    classes, row = np.unique([*a_classes, *b_classes], return_inverse=True)
    if len(classes) < FOLDS:
        raise ValueError(f"Expected at least {FOLDS} classes, got {len(classes)}.")
    found = np.empty(len(vectors), int)
    for fold in range(FOLDS):
        tested = row % FOLDS == fold
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced"))
        found[tested] = probe.fit(vectors[~tested], domain[~tested]).predict(vectors[tested])
    return float(np.mean([(found[domain == side] == side).mean() for side in (0, 1)]))
