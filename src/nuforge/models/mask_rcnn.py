"""Mask R-CNN on pixel maps: boxes, kinds and masks of the particles in each view."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, pad
from torchvision.models.detection import MaskRCNN as Detector
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.resnet import BasicBlock
from torchvision.ops import MultiScaleRoIAlign, batched_nms

from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.events.images import MAP, VIEWS, pixel_images
from nuforge.nn.counts import log_counts

STRIDES = (2, 4, 8, 16, 32)
"""Pixels between two places of each level of the pyramid."""
SIDES = ((5,), (10,), (20,), (40,), (80,))
"""Pixels along a side of the square anchor of each level."""
RATIOS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Rows over columns of anchors of the same area: tracks along the beam are long and thin."""
MARGIN = 3
"""Pixels that a box and a mask have around their particle: a track is one pixel wide, and what is beside it by two
would have none of it."""

_ABOUT = {
    "view": Column("", "view that it was found in: 0 X, 1 Y", "prediction"),
    "box": Column("", "first column, first row, last column, last row of its box in the map, as places", "prediction"),
    "score": Column("", "how likely it is a particle of its kind", "prediction"),
    "kind": Column("", "its kind", "prediction"),
    "mask": Column("", "probability that a pixel is its own, on a grid over the box", "prediction"),
}


@dataclass(frozen=True, eq=False)
class Outlines:
    """Particles in the views of events, sorted by image: which pixels they touch.

    Args:
        image: Event and view of each particle (M,) int64: number of the event times 2, plus the view; never falling.
        kind: Its kind (M,) int64, from 0.
        particle: Particle (K,) int64, 0 to M - 1, and
        pixel: pixel (K,) int64 of each pair of a particle and a pixel that it touches.
    """

    image: Tensor
    kind: Tensor
    particle: Tensor
    pixel: Tensor


class MaskRCNN(nn.Module):
    """torchvision's Mask R-CNN with a small residual pyramid, for maps in which a track is one pixel wide.

    The views are images of their own: no particle has a box in both. The first level has half the resolution of the
    maps, so nothing needs to be enlarged.

    Args:
        kinds: Kinds of particles that it tells apart.
        width: Channels of the first stage of the backbone, a multiple of 4; each of the others has twice as many as the
            one before.
        channels: Channels of the pyramid and of the mask head.
        hidden: Channels of the box head.
        most: Particles of an image.

    Source:
        He, Gkioxari, Dollar, Girshick, arXiv:1703.06870.
    """

    def __init__(self, kinds: int, width: int = 16, channels: int = 32, hidden: int = 128, most: int = 12) -> None:
        super().__init__()
        if min(kinds, width, channels, hidden, most) < 1 or width % 4:
            raise InputError(
                "kinds, width, channels, hidden and most must be at least 1, and width a multiple of 4, got "
                f"{kinds}, {width}, {channels}, {hidden} and {most}"
            )
        levels = ["0", "1", "2", "3"]
        self.network = Detector(
            pyramid(width, channels),
            rpn_anchor_generator=AnchorGenerator(SIDES, (RATIOS,) * len(SIDES)),
            rpn_pre_nms_top_n_train=200,
            rpn_pre_nms_top_n_test=200,
            rpn_post_nms_top_n_train=100,
            rpn_post_nms_top_n_test=40,
            rpn_batch_size_per_image=64,
            box_roi_pool=MultiScaleRoIAlign(levels, 7, 2, canonical_scale=20, canonical_level=3),
            box_head=TwoMLPHead(channels * 7**2, hidden),
            box_predictor=FastRCNNPredictor(hidden, kinds + 1),
            box_batch_size_per_image=32,
            box_score_thresh=0.05,
            box_detections_per_img=most,
            mask_roi_pool=MultiScaleRoIAlign(levels, 14, 2, canonical_scale=20, canonical_level=3),
            mask_head=MaskRCNNHeads(channels, (channels, channels), 1),
            mask_predictor=MaskRCNNPredictor(channels, channels, kinds + 1),
        )
        self.kinds = kinds

    def forward(self, events: Events) -> Mapping[str, Table]:
        """What is found.

        Args:
            events: `pixels` with view, row, column and charge.

        Returns:
            `reco_instances`, a row a particle in a view: view, box (D, 4), score, kind and mask (D, 28, 28); and the
            places of the `pixels`.
        """
        images = self._images(events)
        with _asked(self.network, learning=False):
            features = self.network.backbone(images.tensors)
            proposals, _ = self.network.rpn(images, features)
            found, _ = self.network.roi_heads(features, proposals, images.image_sizes)
        return {
            "reco_instances": _table(found, len(events)),
            "pixels": events["pixels"].only(["view", "row", "column"]),
        }

    def losses(self, events: Events, truth: Outlines) -> Mapping[str, Tensor]:
        """Losses of anchors (whether and where) and of boxes (kind, where, mask), in training or not.

        Args:
            events: As in `forward`.
            truth: The particles of the same events.
        """
        images, targets = self._images(events), _targets(events, truth)
        with _asked(self.network, learning=True):
            features = self.network.backbone(images.tensors)
            proposals, of_anchors = self.network.rpn(images, features, targets)
            _, of_boxes = self.network.roi_heads(features, proposals, images.image_sizes, targets)
        return {**of_anchors, **of_boxes}

    def _images(self, events: Events) -> ImageList:
        """The maps of all events and views one after another, with room below up to the largest stride."""
        images = log_counts(pixel_images(events)).flatten(0, 1)[:, None]
        room = [-side % STRIDES[-1] for side in MAP]
        return ImageList(pad(images, (0, room[1], 0, room[0])), [MAP] * len(images))


def pyramid(width: int, channels: int) -> BackboneWithFPN:
    """Residual stages at strides of 2, 4, 8 and 16 pixels, and a feature pyramid over them with one level more.

    Channels are normalised in groups of four in each image: batches are small, and most of a map is empty.

    Source:
        Lin et al., arXiv:1612.03144; Wu and He, arXiv:1803.08494.
    """
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    stages["stem"] = nn.Sequential(nn.Conv2d(1, width, 5, stride=2, padding=2), _norm(width), nn.ReLU(inplace=True))
    stages["stage0"] = BasicBlock(width, width, norm_layer=_norm)
    wide = [width * 2**i for i in range(4)]
    for i, (fine, coarse) in enumerate(itertools.pairwise(wide), 1):
        halved = nn.Sequential(nn.Conv2d(fine, coarse, 1, stride=2, bias=False), _norm(coarse))
        stages[f"stage{i}"] = BasicBlock(fine, coarse, stride=2, downsample=halved, norm_layer=_norm)
    return BackboneWithFPN(nn.Sequential(stages), {f"stage{i}": str(i) for i in range(4)}, wide, channels)


def _norm(channels: int) -> nn.GroupNorm:
    """Norm of groups of four channels."""
    return nn.GroupNorm(max(1, channels // 4), channels)


@contextmanager
def _asked(network: Detector, *, learning: bool) -> Iterator[None]:
    """Within, anchors and boxes give losses or what they find, whatever the mode of the layers below."""
    modules = (network.rpn, network.roi_heads)
    before = [module.training for module in modules]
    for module in modules:
        module.training = learning
    try:
        yield
    finally:
        for module, mode in zip(modules, before, strict=True):
            module.training = mode


def _targets(events: Events, truth: Outlines) -> list[dict[str, Tensor]]:
    """Boxes, labels and masks of each image, as torchvision takes them; label 0 is nothing.

    Masks are grown into what is empty: nobody asks whose an empty pixel is, and lines of one pixel in nothing else
    teach a network of smooth masks that nearly everything is nobody's.
    """
    pixels, n = events["pixels"], len(truth.image)
    place = torch.stack([pixels["column"], pixels["row"]], 1).float()[truth.pixel]
    index = truth.particle[:, None].expand(-1, 2)
    first = torch.full((n, 2), torch.inf, device=place.device).scatter_reduce(0, index, place, "amin")
    last = torch.full((n, 2), -torch.inf, device=place.device).scatter_reduce(0, index, place, "amax")
    sides = first.new_tensor(MAP).flip(0)
    boxes = torch.cat([(first - MARGIN).clamp(min=0), (last + 1 + MARGIN).minimum(sides)], 1)
    masks = torch.zeros(n, *MAP, device=place.device)
    masks[truth.particle, pixels["row"][truth.pixel].long(), pixels["column"][truth.pixel].long()] = 1
    masks = grown(masks, (pixel_images(events).flatten(0, 1) > 0).float(), truth.image)
    counts = torch.bincount(truth.image, minlength=VIEWS * len(events)).tolist()
    parts = zip(*(torch.split(part, counts) for part in (boxes, truth.kind + 1, masks)), strict=True)
    return [{"boxes": box, "labels": label, "masks": mask} for box, label, mask in parts]


def grown(
    masks: Float[Tensor, "m y x"], lit: Float[Tensor, "i y x"], image: Int[Tensor, " m"], steps: int = MARGIN
) -> Float[Tensor, "m y x"]:
    """Masks, and the empty pixels within so many steps of theirs that no light of another is nearer to.

    Args:
        masks: 1 where a particle is, 0 elsewhere (M, rows, columns).
        lit: 1 where an image has any light (I, rows, columns).
        image: The image of each mask (M,).
        steps: To a pixel beside or at a corner.
    """
    for _ in range(steps):
        masks = torch.where(lit[image] > 0, masks, _spread(masks))
        lit = _spread(lit)
    return masks


def _spread(images: Float[Tensor, "m y x"]) -> Float[Tensor, "m y x"]:
    """The largest value of each pixel and those around it."""
    return max_pool2d(images[:, None], 3, 1, 1)[:, 0]


def _table(found: list[dict[str, Tensor]], n_events: int) -> Table:
    """What was found in each image, without what is the same but for its kind."""
    counts = torch.tensor([len(one["scores"]) for one in found], dtype=torch.int64)
    image = torch.repeat_interleave(counts)
    box, score, kind, mask = (
        torch.cat([one[name] for one in found]) for name in ("boxes", "scores", "labels", "masks")
    )
    kept = batched_nms(box, score, image.to(box.device), 0.7).sort().values
    image = image.to(box.device)[kept]
    columns = {"view": image % VIEWS, "box": box[kept], "score": score[kept], "kind": kind[kept] - 1}
    columns["mask"] = mask[kept, 0]
    event = torch.div(image, VIEWS, rounding_mode="floor")
    return Table.from_counts(columns, torch.bincount(event, minlength=n_events), about=_ABOUT)


def claims(pixels: Table, found: Table) -> tuple[Int[Tensor, " k"], Int[Tensor, " k"], Float[Tensor, " k"]]:
    """Row of `found`, row of `pixels` and probability (K,) that the one has the other, of pairs in one view and a box.

    Args:
        pixels: With view, row and column.
        found: `reco_instances`.
    """
    of_pixel, of_found = (table.batch * VIEWS + table["view"].long() for table in (pixels, found))
    order = of_pixel.argsort(stable=True)
    counts = torch.bincount(of_pixel, minlength=VIEWS * pixels.n_events)
    begin = counts.cumsum(0) - counts
    partners = counts[of_found]
    instance = torch.repeat_interleave(partners)
    step = torch.arange(len(instance), device=order.device) - (partners.cumsum(0) - partners)[instance]
    pixel = order[begin[of_found[instance]] + step]
    middle = torch.stack([pixels["column"], pixels["row"]], 1).float()[pixel] + 0.5
    box = found["box"][instance]
    along = (middle - box[:, :2]) / (box[:, 2:] - box[:, :2]).clamp(min=1e-3)
    inside = ((along > 0) & (along < 1)).all(1)
    instance, pixel, along = instance[inside], pixel[inside], along[inside]
    return instance, pixel, _read(found["mask"], instance, along)


def _read(mask: Float[Tensor, "d m m"], which: Tensor, along: Float[Tensor, "k 2"]) -> Float[Tensor, " k"]:
    """Values of masks at places (x, y) from 0 to 1 of their boxes, between the middles of four cells of the grid."""
    side = mask.shape[-1]
    place = (along * side - 0.5).clamp(0, side - 1)
    low = place.floor().long().clamp(max=side - 2)
    (x, y), (i, j) = (place - low).unbind(1), low.unbind(1)
    top = mask[which, j, i] * (1 - x) + mask[which, j, i + 1] * x
    bottom = mask[which, j + 1, i] * (1 - x) + mask[which, j + 1, i + 1] * x
    return top * (1 - y) + bottom * y
