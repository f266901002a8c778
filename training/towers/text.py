"""The text tower: a small bilingual transformer over subwords, its tokenizer, and its teacher for distillation."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import csr_matrix
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import nn

from training.towers.heads import unit
from training.towers.sentence import package_folder
from xmr.files import replacing

PAD, UNKNOWN = "[PAD]", "[UNK]"  # ids 0 and 1, as xmr.preprocess.Tokenizer expects


def train_tokenizer(texts: Iterable[str], pieces: int, path: Path) -> None:
    """Fit a Unigram subword model (Kudo 2018) and write it as a `tokenizers` JSON file.

    There is no byte fallback: a letter that does not occur in the texts becomes [UNK], which tells the app that a word
    is unknown.

    Args:
        texts:  to fit to.
        pieces: size of the vocabulary.
        path:   the JSON file.
    """
    table = Tokenizer(models.Unigram())
    table.normalizer = normalizer()
    table.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation("isolated"), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=pieces, special_tokens=[PAD, UNKNOWN], unk_token=UNKNOWN, show_progress=False
    )
    table.train_from_iterator(texts, trainer)
    with replacing(path) as part:
        table.save(str(part))


def normalizer() -> normalizers.Normalizer:
    """What letters become before they are cut into subwords: NFKC, small, and without marks that say nothing; hyphens
    and apostrophes stay inside words."""
    marks = Regex(r"(?<![\p{L}\p{N}])['’-]|['’-](?![\p{L}\p{N}])|[^\p{L}\p{M}\p{N}\s'’-]")
    return normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace(marks, " "),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )


class TextTower(nn.Module):
    """Maps token ids (N, L), padded with 0, to unit vectors (N, dim)."""

    def __init__(self, pieces: int, dim: int, width: int, depth: int, heads: int, max_tokens: int, dropout: float):
        super().__init__()
        self.tokens = nn.Embedding(pieces, width, padding_idx=0)
        self.positions = nn.Parameter(torch.randn(max_tokens, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, dim)
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.tokens.weight, std=0.02)

    def features(self, ids: torch.Tensor) -> torch.Tensor:
        """The mean token feature (N, width) of token ids (N, L), without padding."""
        real = ids != 0  # (N, L)
        x = self.dropout(self.tokens(ids) + self.positions[: ids.shape[1]])  # (N, L, width)
        for block in self.blocks:
            if block.down.weight.requires_grad or block.down.weight.any():  # a frozen zero block adds nothing
                x = block(x, real)
        weight = real.unsqueeze(-1).to(x.dtype)  # (N, L, 1)
        return self.norm((x * weight).sum(1) / weight.sum(1).clamp_min(1.0))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return unit(self.head(self.features(ids)))


class Block(nn.Module):
    """A pre-norm transformer layer."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)
        for last in (self.out, self.down):  # zero-initialised, so the tower starts as a bag of words
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """x: (N, L, width); real: (N, L) bool, False for padding."""
        n, length, width = x.shape
        split = self.qkv(self.norm1(x)).view(n, length, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)  # each (N, heads, L, width / heads)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=real[:, None, None, :])
        x = x + self.dropout(self.out(mixed.transpose(1, 2).reshape(n, length, width)))
        return x + self.dropout(self.down(F.gelu(self.up(self.norm2(x)))))


@torch.no_grad()
def init_bag_of_words(tower: TextTower, to_teacher: nn.Linear, ids: list[np.ndarray], targets: np.ndarray) -> None:
    """Initialise the token embeddings and `to_teacher` with the best linear bag-of-words approximation of the teacher.

    It solves a ridge regression from a text's bag of subwords to its target, then keeps the `width` principal
    directions of the subword vectors. So training starts from a bag-of-words model with both languages in one space.

    Args:
        tower:      changed in place.
        to_teacher: width -> T, changed in place.
        ids:        N texts as token ids, in any language.
        targets:    (N, T) float32, the teacher's vector of each text or of its translation.
    """
    pieces, width = tower.tokens.weight.shape
    lengths = [len(row) for row in ids]
    shares = np.repeat(1 / np.array(lengths, np.float32), lengths)
    bags = csr_matrix((shares, np.concatenate(ids), np.cumsum([0, *lengths])), shape=(len(ids), pieces))
    middle = targets.mean(0)
    gram = torch.from_numpy((bags.T @ bags).toarray())
    gram.diagonal().add_(0.02)
    solved = torch.cholesky_solve(torch.from_numpy(bags.T @ (targets - middle)), torch.linalg.cholesky(gram))
    _, _, directions = torch.pca_lowrank(solved, q=width, center=False)  # (T, width), orthonormal columns
    rotation, _ = torch.linalg.qr(torch.randn(width, width))  # random, because layer norms depend on the axes
    basis = directions @ rotation
    vectors = solved @ basis  # (pieces, width)
    gain = 0.3 / vectors.square().mean().sqrt()
    tower.tokens.weight.copy_(vectors * gain)
    tower.tokens.weight[0] = 0
    to_teacher.weight.copy_(basis * float(np.linalg.norm(targets - middle, axis=1).mean()) / width**0.5)
    to_teacher.bias.copy_(torch.from_numpy(middle))


def sentence_encoder() -> Callable[[list[str]], np.ndarray]:
    """The teacher, all-MiniLM-L6-v2: a function from N English sentences to unit vectors (N, 384) float16."""
    from sentence_transformers import SentenceTransformer

    teacher = SentenceTransformer(package_folder(), local_files_only=True)
    teacher.max_seq_length = 128
    return lambda sentences: teacher.encode(
        sentences, batch_size=len(sentences), normalize_embeddings=True, show_progress_bar=False
    ).astype(np.float16)
