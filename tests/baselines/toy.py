"""Small labelled events for the baselines: drawn by hand, and muons of the simulation with the full response."""

import torch

from nuforge.detectors import lartpc_cube
from nuforge.events import Events, Table
from nuforge.simulation.response.lartpc import respond
from nuforge.simulation.sources import particle_gun
from nuforge.simulation.transport import transport
from nuforge.simulation.truth import label_voxels


def toy_events(n=3, seed=0, blank=False):
    """n events; with `blank` the middle one has no voxels."""
    generator = torch.Generator().manual_seed(seed)
    parts = [toy_event(generator, empty=blank and i == n // 2) for i in range(n)]
    return Events.concat(parts)


def toy_event(generator, empty=False):
    origin = torch.randint(0, 300, (3, 3), generator=generator)
    steps = torch.arange(80)
    track = torch.stack([steps, steps // 2, steps // 5], dim=1) + origin[0]
    walk = torch.randint(-1, 2, (60, 3), generator=generator).cumsum(0) + origin[1] + torch.tensor([0, 400, 0])
    blips = torch.randint(0, 700, (12, 3), generator=generator) + torch.tensor([0, 0, 800])
    index = torch.cat([walk, track, blips])
    label = torch.cat([torch.full((len(part),), c) for part, c in ((walk, 0), (track, 1), (blips, 4))])
    keys, inverse = torch.unique(index, dim=0, return_inverse=True)
    first = torch.zeros(len(keys), dtype=torch.int64).scatter(0, inverse, label)
    value = 0.05 + 0.3 * torch.rand(len(keys), generator=generator)
    if empty:
        keys, first, value = keys[:0], first[:0], value[:0]
    voxels = {"index": keys.to(torch.int32), "value": value, "label": first}
    return Events({"voxels": Table.from_counts(voxels, torch.tensor([len(keys)]))})


def stopping_muon():
    """A muon of 240 voxels that stops, a delta and a Michel after its Bragg peak, as lines one voxel thin."""
    muon = [(k, k // 9, 0) for k in range(240)]
    end = muon[-1]
    michel = [(end[0] - k // 2, end[1] + k, k // 4) for k in range(1, 40)]
    delta = [(100 + k // 3, 11 + k, k // 2) for k in range(1, 9)]
    rise = [0.6] * 225 + [1.0 + 0.25 * k for k in range(15)]
    index = torch.tensor(muon + michel + delta, dtype=torch.int32)
    value = torch.tensor(rise + [0.6] * (len(michel) + len(delta)))
    label = torch.tensor([1] * len(muon) + [2] * len(michel) + [3] * len(delta))
    return Events(
        {"voxels": Table.from_counts({"index": index, "value": value, "label": label}, torch.tensor([len(index)]))}
    )


def simulated_muons(n, kinetic, seed=0):
    """n antimuons (MeV) that go down through liquid argon, with diffusion: tracks are three voxels thick."""
    generator, detector = torch.Generator().manual_seed(seed), lartpc_cube()
    flying = particle_gun(n, -13, kinetic, position=(20.0, 80.0, 0.0), direction=(0.4, -0.9, 0.3))
    deposited = transport(flying, detector, generator)
    return label_voxels(respond(deposited, detector, generator), detector)
