"""What a chain misses, of the events that a run or an evaluation has answered: showers by class, muons by size.

    python benchmarks/chain_misses.py RUN/predictions [--json benchmarks/results/chain_misses.json]

The index of showers is that of `nuforge.tasks.particles`, over voxels of showers, Michel and delta electrons, and over
fewer of them. Muons are reconstructed particles most of whose voxels a muon made.
"""

import argparse
import json
from pathlib import Path

import torch

from nuforge.events.store import Store
from nuforge.metrics.bootstrap import bootstrap
from nuforge.metrics.clustering import Contingency, clustering_sums
from nuforge.metrics.weights import ratio
from nuforge.simulation.truth import Identity, VoxelClass, cluster_truth
from nuforge.tasks.kinematics import matched

BATCH = 32
SHOWERS = (VoxelClass.SHOWER, VoxelClass.MICHEL, VoxelClass.DELTA)
SMALL = 20
"""Voxels; a piece of fewer is hardly a track."""


def main(words=None):
    """Looks at the answers of all events; what was found, also as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("predictions", type=Path, help="store with truth and the chain's answers")
    parser.add_argument("--json", type=Path, help="file for what is found")
    given = parser.parse_args(words)

    parts = [(showers(events), muons(events)) for events in Store(given.predictions).batches(BATCH)]
    index = {name: torch.cat([part[0][name] for part in parts]) for name in parts[0][0]}
    found = {
        "command": "python benchmarks/chain_misses.py RUN/predictions --json benchmarks/results/chain_misses.json",
        "index of showers": {name: told(each) for name, each in index.items() if bool(each[:, 1].any())},
        "muons": {name: sum(part[1][name] for part in parts) for name in parts[0][1]},
    }
    text = json.dumps(found, indent=1) + "\n"
    if given.json:
        given.json.write_text(text)
    print(text)
    return found


def showers(events):
    """Adjusted Rand index of voxels of showers by their particle, and 1, of each event (B, 2), over several kinds."""
    voxels = events["voxels"]
    label, found = voxels["label"], voxels["reco_particle"]
    of_showers = torch.isin(label, label.new_tensor(SHOWERS))
    over = {
        "all": of_showers,
        "of the right class": of_showers & (voxels["prediction"] == label),
        **{f"of {kind.name.lower()} alone": label == kind for kind in SHOWERS},
    }
    return {name: index_of(voxels["deposit"], found, voxels.batch, rows, len(events)) for name, rows in over.items()}


def index_of(true, found, batch, rows, n):
    """The index of some rows of each event and 1, or 0 and 0 without any (B, 2)."""
    return clustering_sums(Contingency.of(true[rows], found[rows], batch[rows], n))["ARI"]


def told(statistics):
    """A mean over the events that have any, with its interval."""
    interval = bootstrap({"index": statistics}, lambda sums: {"index": ratio(*sums["index"].unbind(-1))})["index"]
    return {"value": interval.value, "low": interval.low, "high": interval.high, "events": int(statistics[:, 1].sum())}


def muons(events):
    """How many muons there are, are called so, or are small pieces that are called electrons; those that match."""
    voxels, particles = events["voxels"], events["reco_particles"]
    asked = voxels.with_columns({"cluster": voxels["reco_particle"]}, refers_to={"cluster": "clusters"})
    kinds = particles.only(["kind"])
    truth = cluster_truth(events.with_table("clusters", kinds).with_table("voxels", asked), "particles")["clusters"]
    called = particles["pid_probability"].argmax(1)
    true, right = truth["pid"] == Identity.MUON, called == Identity.MUON
    alone = torch.zeros_like(true)
    alone[matched(voxels["reco_particle"], voxels["deposit"])[0]] = True
    electron = true & (called == Identity.ELECTRON)
    return {
        "all": int(true.sum()),
        "called muons": int((true & right).sum()),
        "that match a true particle": int((true & alone).sum()),
        "that match and are called muons": int((true & alone & right).sum()),
        "called electrons": int(electron.sum()),
        f"called electrons, of fewer than {SMALL} voxels": int((electron & (particles["voxels"] < SMALL)).sum()),
    }


if __name__ == "__main__":
    main()
