"""What every backbone of images keeps, and where each agrees with the published one."""

import pytest
import torch
from torchvision.models import mobilenet_v2, resnet18

from nuforge.errors import InputError
from nuforge.models.googlenet import GoogLeNet, inception
from nuforge.models.mobilenetv2 import MobileNetV2
from nuforge.models.resnet18 import ResNet18


def published_googlenet(**arguments):
    """GoogLeNet with local response normalisation."""
    return GoogLeNet(norm="local", **arguments)


BACKBONES = [GoogLeNet, published_googlenet, MobileNetV2, ResNet18]


def images(n, views=1, seed=0):
    """Images with 60 pixels each."""
    generator = torch.Generator().manual_seed(seed)
    value = torch.rand(n, views, 100, 80, generator=generator)
    return torch.where(value > 1 - 60 / 8000, 2 * value, 0.0)


@pytest.fixture(params=BACKBONES, ids=lambda kind: kind.__name__)
def backbone(request):
    torch.manual_seed(0)
    backbone = request.param(width=0.25)
    backbone(images(8))  # running mean and variance of something
    return backbone.eval()


def test_an_image_becomes_the_mean_of_its_maps(backbone):
    x = images(2)
    maps = backbone.maps(x)
    assert maps.shape[:2] == (2, backbone.features)
    assert min(maps.shape[2:]) > 1
    torch.testing.assert_close(backbone(x), maps.mean((2, 3)))


def test_an_image_alone_gets_the_same_features_as_in_a_batch(backbone):
    x = torch.cat([images(3), torch.zeros(1, 1, 100, 80)])
    together = backbone(x)
    for i in range(4):
        torch.testing.assert_close(backbone(x[i : i + 1])[0], together[i], rtol=1e-4, atol=1e-5)


def test_every_parameter_learns(backbone):
    backbone.train()(images(4)).square().sum().backward()
    idle = [name for name, p in backbone.named_parameters() if p.grad is None or not p.grad.any()]
    assert not idle, f"no gradient reached {idle}"


@pytest.mark.parametrize("kind", BACKBONES, ids=lambda kind: kind.__name__)
def test_width_and_views_are_arguments(kind):
    narrow, wide = kind(width=0.25), kind(width=0.5, views=3)
    assert sum(p.numel() for p in narrow.parameters()) < sum(p.numel() for p in wide.parameters())
    assert wide.eval()(images(2, views=3)).shape == (2, wide.features)
    with pytest.raises(InputError, match="width must be positive and views at least 1, got 0 and 1"):
        kind(width=0)


@pytest.mark.parametrize(
    ("ours", "published", "renamed"),
    [(ResNet18, resnet18, ("", "")), (MobileNetV2, mobilenet_v2, ("layers.", "features."))],
    ids=["ResNet18", "MobileNetV2"],
)
def test_it_is_torchvisions(ours, published, renamed):
    ours, theirs = ours(views=3).eval(), published().eval()
    ours.load_state_dict(
        {
            name.replace(renamed[1], renamed[0]) if renamed[1] else name: value
            for name, value in theirs.state_dict().items()
            if not name.startswith(("fc.", "classifier."))
        }
    )
    theirs.fc = theirs.classifier = torch.nn.Identity()
    x = images(2, views=3)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", ["batch", "local"])
def test_googlenet_has_the_published_channels_and_sizes(norm):
    network = GoogLeNet(norm=norm)
    sizes = {}
    for name in ("stem", "inceptions"):
        network.get_submodule(name).register_forward_hook(lambda _, __, out, name=name: sizes.update({name: out.shape}))
    network.maps(images(1))
    assert sizes["stem"] == (1, 192, 13, 10)
    assert sizes["inceptions"] == (1, 512, 7, 5)  # Szegedy et al., table 1: 4a has 512 channels
    modules = [inception(192, "3a"), inception(256, "3b"), inception(480, "4a")]
    weights = [sum(p.numel() for p in m.parameters() if p.ndim > 1) / 1024 for m in modules]
    assert weights == pytest.approx([159, 380, 364], rel=0.01)  # of the same table, which is in K
