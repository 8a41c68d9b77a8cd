"""Clusters: what one stage of a reconstruction hands to the next, made from truth, and the truth of any clusters."""

from typing import Literal

import torch

from nuforge.events import Events, Table
from nuforge.events.rows import looked_up, majority
from nuforge.simulation.truth.classes import VoxelClass
from nuforge.simulation.truth.identification import identification, primary

Of = Literal["fragments", "particles"]
"""What clusters are: pieces to be grouped to particles, or particles to be grouped to interactions."""


def given_truth(events: Events, of: Of) -> Events:
    """These events as a perfect earlier stage would hand them on: `voxels.kind`, `voxels.cluster` and `clusters`.

    Clusters of fragments are the true fragments. Clusters of particles are their sums over deposits: all that a
    particle, as truth has it, shows in one class. Low-energy voxels are in no cluster; unknown ones count as
    low-energy.

    Args:
        events: Events with `voxels` (label, fragment) and `fragments`.
        of: What the clusters are.
    """
    voxels, fragments = events["voxels"], events["fragments"]
    if of == "fragments":
        cluster_of = torch.arange(len(fragments), device=events.device)
        begins = cluster_of
        ends = torch.ones_like(cluster_of, dtype=torch.bool)
    else:
        _, cluster_of = torch.unique(fragments["particle"] * len(VoxelClass) + fragments["label"], return_inverse=True)
        begins = torch.empty(int(fragments["start"].sum()), dtype=torch.int64, device=events.device)
        begins[cluster_of[fragments["start"]]] = torch.nonzero(fragments["start"]).flatten()
        ends = fragments["end"]
    start = fragments["first"][begins]
    end = start.clone()
    end[cluster_of[ends]] = fragments["last"][ends]
    clusters = Table.from_counts(
        {"kind": fragments["label"][begins], "start": start, "end": end},
        torch.bincount(fragments.batch[begins], minlength=len(events)),
    )
    given = {
        "kind": torch.where(voxels["label"] < 0, int(VoxelClass.LOW_ENERGY), voxels["label"]),
        "cluster": looked_up(cluster_of, voxels["fragment"]),
    }
    return Events({**events.tables, "voxels": voxels.with_columns(given), "clusters": clusters})


def cluster_truth(events: Events, of: Of) -> Events:
    """These events with the truth of their clusters, each by the majority of the voxels of which it is known.

    - Of fragments: `group` is the deposit, `primary` is 1 where the deposit starts.
    - Of particles: `group` is the interaction, `primary` is 1 for what the interaction made (`primary`).
    - Of both: `pid` is the `Identity` of the head of the deposit.

    Groups are numbered within their event. What no voxel knows is -1; of equally frequent values it is the lowest.

    Args:
        events: Events with `voxels` (cluster, deposit, fragment), `clusters`, `fragments` and `particles`.
        of: What the clusters are meant to be.
    """
    voxels, particles, clusters = events["voxels"], events["particles"], events["clusters"]
    deposit = voxels["deposit"]
    identity = looked_up(identification(particles) + 1, deposit)  # from 0, for other kinds vote too
    if of == "fragments":
        group, whole = deposit, particles
        is_primary = looked_up(events["fragments"]["start"].long(), voxels["fragment"])
    else:
        group, whole = looked_up(particles["interaction"], deposit), events["interactions"]
        is_primary = looked_up(primary(particles).long(), deposit)
    group = majority(voxels["cluster"], group, len(clusters))
    truth = {
        "group": torch.where(group < 0, group, group - whole.offsets[clusters.batch]),
        "primary": majority(voxels["cluster"], is_primary, len(clusters)),
        "pid": majority(voxels["cluster"], identity, len(clusters)).clamp(min=0) - 1,
    }
    return events.with_table("clusters", clusters.with_columns(truth))
