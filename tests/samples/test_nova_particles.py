"""Single particles whose prongs know what flew in."""

import torch

from nuforge.events import Column, Events, Table
from nuforge.samples.nova_particles import SPECIES, prong_species, single_particles
from nuforge.samples.prepare import with_identity


def table(columns, counts):
    about = {"particle": Column("", "who made it", "truth", "particles")} if "particle" in columns else {}
    values = {name: torch.tensor(value) for name, value in columns.items()}
    return Table.from_counts(values, torch.tensor(counts), about=about)


def test_prongs_are_of_what_flew_in_whatever_made_them():
    events = Events(
        {
            "interactions": table({"mode": [0, 0, 0, 0]}, [2, 0, 1, 1]),
            "particles": table(
                # a neutron that frees a proton, among a cosmic muon; nothing; a negative pion; a kaon
                {"pdg": [2112, 2212, 13, -211, 321], "interaction": [0, 0, 1, 2, 3]},
                [3, 0, 1, 1],
            ),
            "prongs": table({"particle": [1, 2, -1, 3, 4]}, [3, 0, 1, 1]),
        }
    )
    prongs = prong_species(events)["prongs"]
    assert prongs["species"].tolist() == [SPECIES.index("neutron"), -1, -1, SPECIES.index("pion"), -1]
    assert prongs["neutron"].tolist() == [1, -1, -1, 0, -1]
    assert prongs.about["species"].role == prongs.about["neutron"].role == "truth"


def test_every_kind_of_particle_flies():
    sample = single_particles(60, site="near", shard_size=60)
    events = with_identity(sample.generate(60, 0, sample.generator(0)), sample.source, 0)
    assert events["prongs"]["species"].unique().tolist() == list(range(len(SPECIES)))
    assert set(events.readout()["prongs"]).isdisjoint({"species", "neutron"})
