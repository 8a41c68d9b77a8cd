"""Toy slices for instances: two straight tracks that cross in each view, and prongs that are these tracks."""

import torch

from nuforge.events import Column, Events, Table

_READ = ("view", "row", "column", "charge")
_ABOUT = {name: Column("", name, "readout") for name in _READ} | {
    "hit": Column("", "the brightest hit of it", "readout", "hits"),
    "prong": Column("", "the prong it is in", "readout", "prongs"),
    "particle": Column("", "who gave most of it", "truth", "particles"),
    "energy": Column("MeV", "energy", "readout"),
    "row_": Column("", "the hit", "truth", "hits"),
    "fraction": Column("", "the fraction of the energy that it gave", "truth"),
    "kind": Column("", "what it is", "truth"),
}


def crossing_tracks(n_events):
    """Events of a muon along the beam and a proton across it, one plane further on in each; they share the crossing."""
    return Events.concat([_event(i) for i in range(n_events)])


def _event(number):
    """One event: in each view 30 pixels of the muon and 20 of the proton, which gave some of one of the muon's too."""
    along, across = torch.arange(30), torch.tensor([step for step in range(-10, 11) if step])
    row = (torch.cat([along, 15 + across]) + 10 + number).repeat(2)
    column = torch.cat([torch.full((30,), 40), 40 + across]).repeat(2)
    particle = torch.cat([torch.zeros(30), torch.ones(20)]).long().repeat(2)
    shared = torch.tensor([15, 65])
    own, n = torch.arange(len(row)), torch.tensor([len(row)])
    fraction = torch.ones(len(row)).index_fill(0, shared, 0.7)
    hit, who = torch.cat([own, shared]), torch.cat([particle, torch.ones(2).long()])
    fraction = torch.cat([fraction, torch.tensor([0.3, 0.3])])
    charge = torch.full((len(row),), 9, dtype=torch.uint8)
    pixels = {"view": torch.arange(2).repeat_interleave(50), "row": row, "column": column, "charge": charge, "hit": own}
    hits = {"prong": particle, "particle": particle}
    return Events(
        {
            "event": Table({"kind": torch.tensor([0])}, torch.arange(2), about={"kind": _ABOUT["kind"]}),
            "particles": Table.from_counts({"pdg": torch.tensor([13, 2212])}, torch.tensor([2])),
            "hits": Table.from_counts(hits, n, about={name: _ABOUT[name] for name in hits}),
            "pixels": Table.from_counts(pixels, n, about={name: _ABOUT[name] for name in pixels}),
            "prongs": Table.from_counts(
                {"energy": torch.tensor([300.0, 100.0])}, torch.tensor([2]), about={"energy": _ABOUT["energy"]}
            ),
            "truth_links": Table.from_counts(
                {"row": hit, "particle": who, "fraction": fraction},
                torch.tensor([len(hit)]),
                about={"row": _ABOUT["row_"], "particle": _ABOUT["particle"], "fraction": _ABOUT["fraction"]},
            ),
        }
    )
