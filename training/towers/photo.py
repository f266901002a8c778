"""The photo tower: MobileNetV2, cut in two so that what training leaves alone is computed once and kept."""

import os
from pathlib import Path

import timm
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from training.towers.heads import ProjectionHead
from xmr.modality import BadInput

FEATURES = 1280  # channels after conv_head


class PhotoTower(nn.Module):
    """photo (N, 224, 224, 3) uint8 -> (N, dim) unit vectors.

    stem:  pixels -> maps, the first `cut` stages; never trained, so that its maps can be cached.
    upper: maps -> pooled features (N, 1280), the other stages.
    head:  features -> unit vectors.
    """

    def __init__(self, dim: int, hidden: int, cut: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.stem, self.upper = backbone(cut)
        self.stem.requires_grad_(False)
        self.head = ProjectionHead(FEATURES, dim, hidden, dropout)

    def pixels(self, photo: torch.Tensor) -> torch.Tensor:
        """(N, 224, 224, 3) 0..255 -> (N, 3, 224, 224) in -1..1."""
        return photo.permute(0, 3, 1, 2).float() / 127.5 - 1

    def maps(self, photo: torch.Tensor) -> torch.Tensor:
        """Pixels through the stem: (N, channels, side, side)."""
        return self.stem(self.pixels(photo))

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        return self.head(self.upper(self.maps(photo)))


def backbone(cut: int) -> tuple[nn.Sequential, nn.Sequential]:
    """timm's mobilenetv2_100 as (stem, upper), with BatchNorm folded into the convolution before it.

    Folding keeps the ImageNet statistics for good and makes training and export faster.

    The weights are $XMR_WEIGHTS or ../shared/weights/mobilenetv2_100_imagenet.safetensors; if that file is not there,
    BadInput says so.
    """
    path = Path(os.environ.get("XMR_WEIGHTS", "../shared/weights")) / "mobilenetv2_100_imagenet.safetensors"
    if not path.is_file():
        raise BadInput(f"Expected MobileNetV2's weights at {path}. Put them there, or set XMR_WEIGHTS to their folder.")
    overlay = {"file": str(path), "mean": (0.5,) * 3, "std": (0.5,) * 3}
    net = timm.create_model("mobilenetv2_100", pretrained=True, pad_type="same", pretrained_cfg_overlay=overlay).eval()
    stem = nn.Sequential(net.conv_stem, net.bn1, *net.blocks[:cut])
    upper = nn.Sequential(*net.blocks[cut:], net.conv_head, net.bn2, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    fold_norms(stem)
    fold_norms(upper)
    return stem, upper


def fold_norms(module: nn.Module) -> None:
    """Fold each BatchNorm into the convolution that stands right before it; its activation stays in its place."""
    children = list(module.named_children())
    following = [*children[1:], ("", None)]
    for (name, child), (after, norm) in zip(children, following, strict=False):
        if isinstance(child, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(child, norm))
            setattr(module, after, getattr(norm, "act", nn.Identity()))
        else:
            fold_norms(child)
