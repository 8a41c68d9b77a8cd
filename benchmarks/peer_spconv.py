"""The UResNet of `nuforge.models.uresnet` in spconv, layer by layer, for the same voxels and channels."""

import itertools

import spconv.pytorch as spconv
import torch
from spconv.pytorch import ops
from torch import nn

ops.get_current_stream = lambda: 0  # without it the gradients ask for a CUDA device on any machine


def tensor_of(where, features):
    """Features (N, C) at voxels (N, 4) as spconv takes them; a grid that can be halved five times loses none."""
    low = where[:, 1:].amin(0)
    shape = ((where[:, 1:].amax(0) - low) // 32 * 32 + 32).tolist()
    index = torch.cat([where[:, :1], where[:, 1:] - low], 1).int()
    return spconv.SparseConvTensor(features, index, shape, int(where[:, 0].max()) + 1)


def submanifold(channels_in, channels_out, level):
    """A 3^3 submanifold convolution."""
    return spconv.SubMConv3d(
        channels_in, channels_out, 3, bias=False, indice_key=f"level {level}", algo=spconv.ConvAlgo.Native
    )


class Activation(nn.Module):
    """Batch norm and leaky ReLU on the features of a sparse tensor."""

    def __init__(self, channels):
        super().__init__()
        self.both = nn.Sequential(nn.BatchNorm1d(channels, eps=1e-4), nn.LeakyReLU(0.33))

    def forward(self, x):
        return x.replace_feature(self.both(x.features))


class Residual(nn.Module):
    """Twice norm, activation and convolution, added to the input."""

    def __init__(self, channels_in, channels_out, level):
        super().__init__()
        self.way = nn.ModuleList(
            [
                Activation(channels_in),
                submanifold(channels_in, channels_out, level),
                Activation(channels_out),
                submanifold(channels_out, channels_out, level),
            ]
        )
        same = channels_in == channels_out
        self.shortcut = nn.Identity() if same else nn.Linear(channels_in, channels_out, bias=False)

    def forward(self, x):
        y = x
        for part in self.way:
            y = part(y)
        return y.replace_feature(y.features + self.shortcut(x.features))


class UResNet(nn.Module):
    """Level i has width x (i + 1) channels and two residual blocks on either way."""

    def __init__(self, depth=5, width=16, blocks=2):
        super().__init__()
        channels = [width * (i + 1) for i in range(depth)]
        self.first = submanifold(1, width, 0)
        self.encoders = nn.ModuleList(
            nn.Sequential(*(Residual(c, c, i) for _ in range(blocks))) for i, c in enumerate(channels)
        )
        self.downs, self.ups, self.decoders = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        native = {"bias": False, "algo": spconv.ConvAlgo.Native}
        for i, (fine, coarse) in enumerate(itertools.pairwise(channels)):
            key = f"between {i}"
            down = spconv.SparseConv3d(fine, coarse, 2, stride=2, indice_key=key, **native)
            up = spconv.SparseInverseConv3d(coarse, fine, 2, indice_key=key, **native)
            self.downs.append(nn.ModuleList([Activation(fine), down]))
            self.ups.append(nn.ModuleList([Activation(coarse), up]))
            sizes = [2 * fine] + [fine] * blocks
            self.decoders.append(nn.Sequential(*(Residual(a, b, i) for a, b in itertools.pairwise(sizes))))
        self.last = Activation(width)

    def forward(self, x):
        x, skips = self.first(x), []
        for i, encoder in enumerate(self.encoders):
            if i:
                skips.append(x)
                norm, down = self.downs[i - 1]
                x = down(norm(x))
            x = encoder(x)
        for skip, (norm, up), decoder in reversed(list(zip(skips, self.ups, self.decoders, strict=True))):
            y = up(norm(x))
            x = decoder(y.replace_feature(torch.cat([skip.features, y.features], 1)))
        return self.last(x)
