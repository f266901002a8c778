"""The composer: a term's vector -> what it asks of a photo, as log-odds that are linear in the photo's vector."""

import torch
import torch.nn.functional as F
from torch import nn

KINDS = 3  # photo, sketch, text, by their numbers in xmr.composer.KINDS


class Composer(nn.Module):
    """Terms (T, dim), unit vectors, and their kinds (T,) int64 -> readers (T, dim), biases (T,) and floors (T,).

    The chance that a photo p meets a term is floor + (1 - floor) * sigmoid(reader . p + bias). It begins as the
    calibrated curve of its kind, slope * (term . p) + intercept. Learned are a low-rank map of the term, for what
    it looks at in a photo, and a slope and a bias by what it is: a colour is met otherwise than a kind of thing.
    The floor is how often a term of its kind is misread, so that words can outweigh a drawing taken for something else.
    It rises towards another, the kind's `named`, as far as a term of a kind that is misread more rarely names the
    thing, which is learned too: beside "a red car" a drawing has less of a say than beside "red".
    """

    def __init__(
        self,
        dim: int,
        rank: int,
        hidden: int,
        dropout: float,
        floors: tuple[float, float, float],
        named: tuple[float, float, float],
    ) -> None:
        """floors, named: of a photo, a sketch and a text, each in 0..1."""
        super().__init__()
        self.slope = nn.Parameter(torch.ones(KINDS))
        self.intercept = nn.Parameter(torch.zeros(KINDS))
        self.down = nn.Parameter(torch.randn(KINDS, dim, rank) * 0.05)
        self.up = nn.Parameter(torch.zeros(KINDS, rank, dim))
        self.inner = nn.Linear(dim, hidden)
        self.kind = nn.Embedding(KINDS, hidden)
        self.outer = nn.Linear(hidden, 3)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("floors", torch.tensor(floors))
        self.register_buffer("named", torch.tensor(named))
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def gates(self, terms: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        """(T, 3): of each term the logarithm of its slope, its bias, and the log-odds that it names the thing."""
        return self.outer(self.dropout(F.gelu(4 * self.inner(terms) + self.kind(kinds))))

    def forward(
        self, terms: torch.Tensor, kinds: torch.Tensor, query: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """query: (T,) int64, to which query each term belongs; None: all to one."""
        inside = torch.einsum("td,tdr->tr", terms, self.down[kinds])
        moved = terms + torch.einsum("tr,trd->td", self.dropout(inside), self.up[kinds])  # (T, dim)
        slopes, biases, names = self.gates(terms, kinds).unbind(1)
        readers = (self.slope[kinds] * slopes.exp())[:, None] * moved
        floors = self.floors[kinds]
        surer = floors[None] < floors[:, None]  # (T, T), whether the second is misread more rarely than the first
        if query is not None:
            surer = surer & (query[None] == query[:, None])
        named = torch.where(surer, names.sigmoid()[None], 0.0).amax(1)
        floors = floors + (self.named[kinds] - floors) * named
        return readers, self.intercept[kinds] + 5 * biases, floors


def log_chance(odds: torch.Tensor, floors: torch.Tensor) -> torch.Tensor:
    """log(floor + (1 - floor) * sigmoid(odds)) of odds (T, P) and floors (T,): (T, P)."""
    floors = floors[:, None]
    return torch.logaddexp(floors.log(), torch.log1p(-floors) + F.logsigmoid(odds))
