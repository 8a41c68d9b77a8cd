"""Hand-made events of the liquid-argon chain: two tracks from a vertex, a shower apart, scattered small deposits."""

import torch

from nuforge.events import Column, Events, Table

VOXEL, ORIGIN = 0.3, (-10.0, 0.0, 5.0)


def line(start, step, n):
    """Voxels along a line, three of them thick."""
    along = torch.tensor(start) + (torch.arange(n)[:, None] * torch.tensor(step)).round().long()
    return torch.cat([along, along + torch.tensor([0, 1, 0]), along + torch.tensor([0, 0, 1])])


def chain_event(generator):
    """One event: fragment 0 and 1 are tracks that touch at a vertex, 2 is a shower; -1 is low-energy."""
    vertex = torch.randint(20, 40, (3,), generator=generator)
    signs = torch.randint(0, 2, (3,), generator=generator) * 2 - 1
    first = line(vertex.tolist(), [1.0 * signs[0], 0.3, 0.0], 24)
    second = line((vertex + torch.tensor([0, 2, 0])).tolist(), [0.2, 1.0, 0.5 * signs[1]], 18)
    apex = vertex + torch.tensor([0, -30, 10])
    spread = torch.randn(60, 3, generator=generator).cumsum(0).abs() * torch.tensor([0.5, -1.0, 0.5])
    shower = apex + spread.round().long()
    blips = vertex + torch.randint(-50, 50, (8, 3), generator=generator)
    parts = ((first, 1, 0), (second, 1, 1), (shower, 0, 2), (blips, 4, -1))
    index = torch.cat([part for part, _, _ in parts])
    label, fragment = (torch.cat([torch.full((len(p[0]),), p[i]) for p in parts]) for i in (1, 2))
    index, inverse = torch.unique(index, dim=0, return_inverse=True)
    row = torch.full((len(index),), len(inverse)).scatter_reduce(0, inverse, torch.arange(len(inverse)), "amin")
    place = torch.stack([vertex, first[23], second[0], second[17], apex]) + 0.5
    return _events(index, label[row], fragment[row], place, generator)


def _events(index, label, fragment, place, generator):
    truth, readout = (lambda unit: Column(unit, "", "truth")), (lambda unit: Column(unit, "", "readout"))
    value = 0.1 + torch.rand(len(index), generator=generator) * 0.4
    voxels = {"index": index.int(), "value": value, "label": label, "fragment": fragment, "kind": label.clone()}
    away = torch.cdist(index + 0.5, place.to(value)).amin(1)
    voxels["near_point"] = (1 - away / 5).clamp(min=0)
    points = {
        "position": (place * VOXEL + torch.tensor(ORIGIN)).float(),
        "label": torch.tensor([1, 1, 1, 1, 0]),
        "end": torch.tensor([False, True, False, True, False]),
    }
    of_voxels = {"fragment": Column("", "", "truth", "fragments"), "kind": readout(""), "near_point": readout("")}
    of_points = {"position": truth("cm"), "label": truth(""), "end": truth("")}
    fragments = {"label": torch.tensor([1, 1, 0])}
    return Events(
        {
            "voxels": Table.from_counts(voxels, torch.tensor([len(index)]), about=of_voxels),
            "points": Table.from_counts(points, torch.tensor([5]), about=of_points),
            "fragments": Table.from_counts(fragments, torch.tensor([3]), about={"label": truth("")}),
        }
    )


def chain_events(n, seed=0):
    """So many events."""
    generator = torch.Generator().manual_seed(seed)
    return Events.concat([chain_event(generator) for _ in range(n)])


def emptied(events, keep):
    """The same events, of which event i keeps its first keep[i] voxels and no points; fragments stay."""
    voxels, points = events["voxels"], events["points"]
    place = torch.arange(len(voxels)) - voxels.offsets[voxels.batch]
    events = events.keep("voxels", place < torch.tensor(keep)[voxels.batch])
    return events.keep("points", torch.zeros(len(points), dtype=torch.bool))


def overfitted(model, task, events, steps, rate=1e-2):
    """First and last loss of some steps on the same events."""
    optimizer = torch.optim.AdamW(model.parameters(), rate)
    losses = []
    for _ in range(steps):
        loss = task.loss(task(model(events.readout())), events)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    return losses[0], losses[-1]
