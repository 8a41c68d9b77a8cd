"""Speed of sparse convolution and of a sparse UResNet beside spconv, dense convolution and the products alone.

One thread: with more the forward pass of spconv 2.3.8 is wrong. "The products alone" is what the products of active
pairs would take at the speed of torch.mm on 1024^3, measured in the same rounds.

    python benchmarks/sparse_conv.py --json benchmarks/results/sparse_conv.json
"""

import os
import sys
from contextlib import contextmanager

import torch
from inputs import line_voxels, voxel_events
from rounds import compared, finish, options_of, peer, ratio_target, row_of, target
from torch import nn

from nuforge.models.uresnet import UResNet
from nuforge.nn.kernels.library import LIBRARY
from nuforge.nn.sparse import InverseConvolution, Level, SparseTensor, StridedConvolution, SubmanifoldConvolution

OURS, PLAIN, PEER, PRODUCTS = "NuForge, compiled", "NuForge, plain torch", "spconv", "the products alone"
SIDE = 1024  # of the square matrices whose product is the measure of the processor


@contextmanager
def path(choice):
    """The compiled or the plain-torch path, inside."""
    before = os.environ.get(LIBRARY.choice)
    os.environ[LIBRARY.choice] = choice
    try:
        yield
    finally:
        if before is None:
            del os.environ[LIBRARY.choice]
        else:
            os.environ[LIBRARY.choice] = before


def on(choice, call):
    """The call, on one of the two paths."""

    def run():
        with path(choice):
            return call()

    return run


def paths(call):
    """Our calls by name: on the compiled path where it was built, and on the plain one."""
    built = {} if LIBRARY.loaded is None else {OURS: on("compiled", call)}
    return built | {PLAIN: on("torch", call)}


def product():
    """A product of matrices that measures the processor."""
    a, b = torch.randn(2, SIDE, SIDE)
    return lambda: a @ b


def layer_tables(where, channels, rounds, with_spconv):
    """A submanifold layer: forward, and forward with both gradients."""
    x = torch.randn(len(where), channels, requires_grad=True)
    pull = torch.randn(len(where), channels)
    layer, level = SubmanifoldConvolution(channels, channels), Level.of(where)
    n_pairs = level.neighbours.forward.n_pairs
    share = n_pairs * channels**2 / SIDE**3

    def ours():
        return layer(SparseTensor(level, x)).features

    calls, gradients = paths(ours), paths(lambda: ours().backward(pull))
    if with_spconv:
        import peer_spconv

        theirs = peer_spconv.submanifold(channels, channels, 0)
        given = peer_spconv.tensor_of(where, x)
        indices = theirs(given).indice_dict  # found once, as ours are

        def spconv():
            given.indice_dict = indices
            return theirs(given.replace_feature(x)).features

        calls[PEER], gradients[PEER] = spconv, lambda: spconv().backward(pull)
    calls[PRODUCTS] = gradients[PRODUCTS] = product()
    of = f"{len(where):,} voxels with {n_pairs / len(where):.1f} of 27 places occupied, {channels} channels"
    missing = () if with_spconv else (PEER,)
    return [
        compared(f"3^3 submanifold convolution: {of}", calls, rounds, "Forward.", missing, scale={PRODUCTS: share}),
        compared(
            f"With gradients: {of}",
            gradients,
            rounds,
            "Forward, and the gradients of input and weight.",
            missing,
            scale={PRODUCTS: 3 * share},
        ),
    ]


def n_products(model, events):
    """Multiplications of the forward pass of a sparse network that are no overhead."""
    total = 0

    def count(module, given, _):
        nonlocal total
        if isinstance(module, SubmanifoldConvolution):
            n = given[0].level.neighbours.forward.n_pairs
        elif isinstance(module, StridedConvolution):
            n = len(given[0].level)
        elif isinstance(module, InverseConvolution):
            n = len(given[1])
        else:
            total += len(given[0]) * module.weight.numel()
            return
        total += n * module.weight[0].numel()

    kinds = (SubmanifoldConvolution, StridedConvolution, InverseConvolution, nn.Linear)
    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, kinds)]
    with torch.no_grad():
        model(events.readout())
    for hook in hooks:
        hook.remove()
    return total


def network_table(where, generator, rounds, with_spconv):
    """A UResNet of depth 5 and width 16, forward and backward, its maps included."""
    model, events = UResNet(), voxel_events(where, generator)
    readout = events.readout()

    def ours():
        model(readout)["voxels"]["features"].sum().backward()

    calls = paths(ours)
    if with_spconv:
        import peer_spconv

        theirs = peer_spconv.UResNet()
        n, m = (sum(p.numel() for p in net.parameters()) for net in (model, theirs))
        if n != m:
            raise RuntimeError(f"the networks differ: {n} parameters and {m}")
        value = readout["voxels"]["value"][:, None].log()
        calls[PEER] = lambda: theirs(peer_spconv.tensor_of(where, value)).features.sum().backward()
    calls[PRODUCTS] = product()
    share = 3 * n_products(model, events) / SIDE**3
    title = f"UResNet of depth 5 and width 16, {len(where):,} voxels in 8 events"
    note = "Forward and backward, neighbours searched anew each time."
    return compared(title, calls, rounds, note, () if with_spconv else (PEER,), scale={PRODUCTS: share})


def dense_table(where, rounds, side):
    """Dense convolution of a cube beside sparse convolution of the voxels that are in such events."""
    x, layer, level = torch.randn(len(where), 16), SubmanifoldConvolution(16, 16), Level.of(where)
    cube, dense = torch.randn(1, 16, side, side, side), nn.Conv3d(16, 16, 3, padding=1, bias=False)
    calls = paths(lambda: layer(SparseTensor(level, x))) | {f"dense cube of {side}^3": lambda: dense(cube)}
    with torch.no_grad():
        return compared(
            f"Beside dense convolution: {len(where):,} voxels, 16 channels",
            calls,
            rounds,
            "Forward. The liquid-argon cube has 768^3 places.",
        )


def targets_of(network):
    """What was asked for, and what came out."""
    compiled, plain, theirs, alone = (row_of(network, name) for name in (OURS, PLAIN, PEER, PRODUCTS))
    found = [ratio_target("UResNet beside spconv", network, PEER, 2)]
    times = (compiled or plain)["ms"] / alone["ms"]
    what = "UResNet beside the products alone"
    found.append(target(what, "at most 1.6 times", f"{times:.2f} times", compiled is not None and times <= 1.6))
    if theirs is not None:
        times = plain["ms"] / theirs["ms"]
        what = "UResNet in plain torch beside spconv"
        found.append(target(what, "at most 1 time", f"{times:.2f} times", times <= 1))
    return found


def main(words=None):
    options = options_of(__doc__, words, rounds=9)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    with_spconv = peer("spconv.pytorch") is not None
    where = line_voxels(8, 60 if options.quick else 2500, generator)
    tables = []
    for channels in (8,) if options.quick else (16, 32, 64):
        tables += layer_tables(where, channels, options.rounds, with_spconv)
    network = network_table(where, generator, max(options.rounds // 2, 2), with_spconv)
    tables += [network, dense_table(where, min(options.rounds, 3), 16 if options.quick else 128)]
    return finish("sparse_conv", options, tables, targets_of(network))


if __name__ == "__main__":
    main()
    sys.exit(0)
