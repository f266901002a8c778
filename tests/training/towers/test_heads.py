"""Heads: where they start, and what they add at inference."""

import numpy as np
import torch
from torch import nn

from training.towers.heads import Discriminant, HeadAndFeatures, ProjectionHead, PrototypePull


def test_a_head_starts_as_its_linear_map():
    head = ProjectionHead(6, 4, 8)
    x = torch.randn(3, 6)
    wanted = nn.functional.normalize(head.linear(x), dim=1)
    torch.testing.assert_close(head(x), wanted)
    plain = ProjectionHead(6, 4, 0)
    plain.load_state_dict(head.linear.state_dict(prefix="linear."))
    torch.testing.assert_close(plain(x), wanted)


def test_preserved_features_count_by_the_square_of_their_share():
    head = HeadAndFeatures(ProjectionHead(6, 4, 0), 6, 0.5)
    head.features.centre.copy_(torch.randn(6))
    a, b = torch.randn(3, 6), torch.randn(3, 6)
    torch.testing.assert_close(head(a), head.head(a))  # in training the head is alone
    vectors = head.eval()(a)
    assert vectors.shape == (3, 10)
    learned, pretrained = (nn.functional.cosine_similarity(one(a), one(b)) for one in (head.head, head.features))
    torch.testing.assert_close((vectors * head(b)).sum(1), (learned + 0.25 * pretrained) / 1.25)


def test_a_discriminant_counts_for_less_what_differs_within_a_class():
    rng = np.random.default_rng(0)
    classes = torch.arange(400) % 2
    across = torch.from_numpy(rng.normal(size=400)).float()  # says nothing of the class, and is much larger
    photos = torch.stack([across, 0.2 * (2.0 * classes - 1)], 1) + torch.tensor([3.0, 1.0])
    queries = photos[rng.permutation(400)] + torch.tensor([-2.0, 5.0])  # sketches lie elsewhere
    discriminant = Discriminant(2)
    torch.testing.assert_close(discriminant(queries), torch.nn.functional.normalize(queries))
    discriminant.fit_lda(queries, photos, classes, shrinkage=0.01)
    within = np.cov((photos - photos.mean(0)).numpy()[:, 0])
    wanted = torch.tensor([[within + 0.005 * within, 0], [0, 0.005 * within]]).float().inverse()
    found = discriminant.linear.weight
    torch.testing.assert_close(found / found[1, 1], wanted / wanted[1, 1], atol=1e-3, rtol=0)
    asked = discriminant(torch.tensor([[2.0, 0.2], [-2.0, -0.2]]) + queries.mean(0))
    assert (asked @ (photos - photos.mean(0)).T)[0, classes == 1].min() > 0
    assert asked[1].allclose(-asked[0], atol=1e-5)


def test_the_pull_is_towards_the_softmax_mean_of_the_prototypes():
    memory, vector = torch.eye(3), torch.tensor([[0.8, 0.6, 0.0]])
    likely = torch.tensor([np.exp(8), np.exp(6), 1.0]).float()
    wanted = torch.nn.functional.normalize(vector + 0.5 * likely / likely.sum())
    torch.testing.assert_close(PrototypePull(memory, torch.tensor(10.0), share=0.5)(vector), wanted)
