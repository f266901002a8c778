"""Faster R-CNN (Ren et al. 2015) on MobileNetV2, and a photo tower on the mean feature of its region proposals."""

import torch
import torchvision
from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import AnchorGenerator
from torchvision.ops import MultiScaleRoIAlign

from training.towers.heads import ProjectionHead
from training.towers.photo import SHIPPED, backbone
from xmr.modality import BadInput

CUT = 5  # stages of MobileNetV2 before RoI pooling; the others come after it
REGION = 1024  # length of a region proposal's feature vector


class BoxHead(nn.Module):
    """Maps RoI-pooled maps (R, channels, 7, 7) to features (R, 1024): the last stages of the pretrained network and a
    linear layer, as in Faster R-CNN on a ResNet."""

    def __init__(self, upper: nn.Module, features: int) -> None:
        super().__init__()
        self.upper, self.linear = upper, nn.Linear(features, REGION)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        return self.linear(self.upper(pooled)).relu()


def faster_rcnn(classes: int, proposals: int, size: int) -> FasterRCNN:
    """Faster R-CNN on MobileNetV2, whose first stages are frozen, with torchvision's losses and sampling.

    Args:
        classes: number of classes without the background.
        proposals: region proposals per photo at inference.
        size: side of the square photos, in pixels.
    """
    stem, upper, features = backbone(CUT)
    stem.requires_grad_(False)
    stem.out_channels = stem(torch.zeros(1, 3, 32, 32)).shape[1]
    sides = tuple(round(size * share) for share in (0.12, 0.25, 0.5, 0.85))
    return FasterRCNN(
        stem,
        rpn_anchor_generator=AnchorGenerator((sides,), ((0.5, 1.0, 2.0),)),
        box_roi_pool=MultiScaleRoIAlign(["0"], 7, 2),
        box_head=BoxHead(upper, features),
        box_predictor=FastRCNNPredictor(REGION, classes + 1),
        min_size=size,
        max_size=size,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        rpn_pre_nms_top_n_test=300,
        rpn_post_nms_top_n_test=proposals,
        rpn_pre_nms_top_n_train=600,
        rpn_post_nms_top_n_train=150,
        rpn_batch_size_per_image=64,
        box_batch_size_per_image=24,
        box_score_thresh=0.02,
        box_detections_per_img=20,
    )


def pretrained(name: str, proposals: int, size: int) -> FasterRCNN:
    """One of torchvision's detectors with its COCO weights, in evaluation mode.

    Args:
        name:      such as fasterrcnn_resnet50_fpn.
        proposals: region proposals per photo.
        size:      side of the square photos, in pixels.

    Raises:
        BadInput: torchvision has no detector of that name, or its weights cannot be fetched.
    """
    known = torchvision.models.list_models(torchvision.models.detection, include="fasterrcnn*")
    if name not in known:
        raise BadInput(f"torchvision has no detector {name!r}. Choose {SHIPPED!r}, or one of: {', '.join(known)}.")
    try:
        net = torchvision.models.get_model(
            name, weights="DEFAULT", min_size=size, max_size=size, rpn_post_nms_top_n_test=proposals
        )
    except OSError as error:
        raise BadInput(f"{name}'s weights cannot be fetched ({error}). Connect to the network once.") from error
    return net.eval()


class Detector(nn.Module):
    """Faster R-CNN on the frozen stem's feature maps instead of pixels.

    `forward` takes maps (N, channels, side, side) and each photo's "boxes" (B, 4) in pixels and "labels" (B,) from 1
    on. It returns the losses by name, and their sum as "loss".
    """

    def __init__(self, net: FasterRCNN, size: int) -> None:
        super().__init__()
        self.net, self.size = net, size

    def forward(self, maps: torch.Tensor, targets: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        images, features = self._as_images(maps)
        proposals, of_proposals = self.net.rpn(images, features, targets)
        _, of_boxes = self.net.roi_heads(features, proposals, images.image_sizes, targets)
        losses = of_proposals | of_boxes
        return losses | {"loss": sum(losses.values())}

    @torch.inference_mode()
    def detect(self, maps: torch.Tensor) -> list[dict[str, torch.Tensor]]:
        """Detect things: for each photo "boxes" (D, 4) in pixels, "labels" (D,) and "scores" (D,)."""
        images, features = self._as_images(maps)
        proposals, _ = self.net.rpn(images, features)
        return self.net.roi_heads(features, proposals, images.image_sizes)[0]

    def _as_images(self, maps: torch.Tensor) -> tuple[ImageList, dict[str, torch.Tensor]]:
        maps = maps.float()
        sizes = [(self.size, self.size)] * len(maps)
        return ImageList(maps.new_zeros(len(maps), 1, self.size, self.size), sizes), {"0": maps}


class RegionTower(nn.Module):
    """Maps photos (N, S, S, 3) uint8 to unit vectors (N, dim): the mean feature of the region proposals, and a head.

    The exported graph takes one photo at a time, because the number of proposals varies.
    """

    def __init__(self, net: FasterRCNN, dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.net = net.requires_grad_(False)
        self.head = ProjectionHead(REGION, dim, hidden, dropout)

    def regions(self, photo: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Each photo's region proposals (P, 4) in pixels, most likely first, and their features (P, 1024)."""
        net = self.net
        images, _ = net.transform([one.permute(2, 0, 1).float() / 255 for one in photo])
        features = net.backbone(images.tensors)
        features = {"0": features} if isinstance(features, torch.Tensor) else features
        boxes, _ = net.rpn(images, features)
        found = net.roi_heads.box_head(net.roi_heads.box_roi_pool(features, boxes, images.image_sizes))
        return boxes, [found] if len(boxes) == 1 else list(found.split([len(one) for one in boxes]))

    def means(self, photo: torch.Tensor) -> torch.Tensor:
        """The mean feature (N, 1024) of each photo's region proposals."""
        return torch.stack([found.mean(0) for found in self.regions(photo)[1]])

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        return self.head(self.means(photo))
