"""Who made slices and prongs."""

import torch
from torch import Tensor

from nuforge.events import Column, Events, Table
from nuforge.simulation.truth.deposits import Kind, deposits_of

_PRONGS = {
    "particle": Column("", "who gave most of its energy: a track, or what a shower began with", "truth", "particles"),
    "purity": Column("", "the share of its energy that this particle gave", "truth"),
    "completeness": Column("", "the share of the energy of this particle in the slice that it has", "truth"),
}
_HITS = {"particle": Column("", "who gave most of it: a track, or what a shower began with", "truth", "particles")}


_VISIBLE = {"visible": Column("MeV", "energy that the interaction deposits in the detector, walls included", "truth")}


def visible_energy(deposited: Events, interaction: int = 0) -> Events:
    """Events with `event.visible`, what one interaction of each deposits.

    Args:
        deposited: With `segments`, `particles`, `interactions`.
        interaction: Number of the interaction in its event.
    """
    segments, wanted = deposited["segments"], deposited["interactions"].offsets[:-1] + interaction
    mine = deposited["particles"]["interaction"][segments["particle"]] == wanted[segments.batch]
    energy = torch.zeros(len(deposited), dtype=torch.float64)
    energy.index_add_(0, segments.batch[mine], segments["energy"][mine].double())
    event = deposited["event"].with_columns({"visible": energy.float()}, about=_VISIBLE)
    return deposited.with_table("event", event)


def heads(events: Events) -> Tensor:
    """For each particle (P,), the one that its deposits are named after.

    A shower is its first electron or photon, a track is itself with the electrons that it knocks out, Michel electrons
    and what neutrons make are apart.
    """
    deposits = deposits_of(events["particles"])
    return torch.where(deposits.kind == Kind.KNOCK_ON, deposits.outer, deposits.head)


def links_to_heads(events: Events) -> Events:
    """Events whose `truth_links` name `heads` alone: one link a hit and track or shower, instead of one a particle."""
    links, head, n = events["truth_links"], heads(events), max(len(events["particles"]), 1)
    known = links["particle"] >= 0
    row, particle = links["row"][known], head[links["particle"][known]]
    pair, place = torch.unique(row * n + particle, return_inverse=True)
    share = torch.zeros(len(pair), dtype=torch.float64).index_add_(0, place, links["fraction"][known].double())
    row = torch.div(pair, n, rounding_mode="floor")
    columns = {"row": row, "particle": pair % n, "fraction": share.float()}
    counts = torch.bincount(events["hits"].batch[row], minlength=len(events))
    return events.with_table("truth_links", Table.from_counts(columns, counts, about=links.about))


def true_slice(events: Events, interaction: int = 0) -> Events:
    """Events with the hits of one slice each: that which has most light of one of its interactions.

    An interaction that no slice has light of leaves an event without hits.

    Args:
        events: With `slices`, `truth_links`, `particles` and `interactions`.
        interaction: Number of the interaction in its event.
    """
    hits, links, slices = events["hits"], events["truth_links"], events["slices"]
    wanted = events["interactions"].offsets[:-1] + interaction
    by = torch.where(links["particle"] >= 0, events["particles"]["interaction"][links["particle"]], -1)
    of = hits["slice"][links["row"]]
    mine = (of >= 0) & (by == wanted[links.batch])
    light = (links["fraction"] * hits["charge"][links["row"]])[mine].double()
    had = torch.zeros(len(slices), dtype=torch.float64).index_add_(0, of[mine], light)
    most = torch.zeros(len(events), dtype=torch.float64).scatter_reduce(0, slices.batch, had, "amax")
    best = (had > 0) & (had >= most[slices.batch])
    chosen = torch.cat([best, torch.zeros(1, dtype=torch.bool)])[hits["slice"]]
    kept = events.keep("hits", chosen)
    return kept.keep("truth_links", kept["truth_links"]["row"] >= 0).without("slices")


def label_prongs(events: Events) -> Events:
    """Events with `hits.particle` and with `prongs.particle`, `purity` and `completeness`."""
    hits, links, prongs = events["hits"], events["truth_links"], events["prongs"]
    head = heads(events)
    known = (links["row"] >= 0) & (links["particle"] >= 0)
    row, particle = links["row"][known], head[links["particle"][known]]
    energy = links["fraction"][known].double() * hits["energy"][row].double()
    of_hit, _ = _most(row, particle, energy, len(hits), len(head))
    prong = hits["prong"][row]
    inside = prong >= 0
    owner, given = _most(prong[inside], particle[inside], energy[inside], len(prongs), len(head))
    whole = torch.zeros(len(prongs), dtype=torch.float64).index_add_(0, prong[inside], energy[inside])
    everywhere = torch.zeros(len(head), dtype=torch.float64).index_add_(0, particle, energy)
    all_of_it = torch.where(owner >= 0, everywhere[owner.clamp(min=0)] if len(head) else whole, 1.0)
    columns = {
        "particle": owner,
        "purity": (given / whole.clamp(min=1e-30)).float(),
        "completeness": (given / all_of_it.clamp(min=1e-30)).float(),
    }
    labelled = events.with_table("prongs", prongs.with_columns(columns, about=_PRONGS))
    return labelled.with_table("hits", hits.with_columns({"particle": of_hit}, about=_HITS))


def _most(row: Tensor, particle: Tensor, energy: Tensor, n: int, n_particles: int) -> tuple[Tensor, Tensor]:
    """The particle (n,) that gave each row most, -1 for none, the first of equals, and how much (n,)."""
    pair, place = torch.unique(row * max(n_particles, 1) + particle, return_inverse=True)
    given = torch.zeros(len(pair), dtype=torch.float64).index_add_(0, place, energy)
    of, who = torch.div(pair, max(n_particles, 1), rounding_mode="floor"), pair % max(n_particles, 1)
    most = torch.zeros(n, dtype=torch.float64).scatter_reduce(0, of, given, "amax")
    best = (given >= most[of]) & (given > 0)
    none = torch.iinfo(torch.int64).max
    owner = torch.full((n,), none).scatter_reduce(0, of[best], who[best], "amin")
    return torch.where(owner == none, -1, owner), most
