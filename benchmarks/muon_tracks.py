"""How well the length of a muon is known in a detector like NOvA's: from prongs, and from the track that is followed.

    python benchmarks/muon_tracks.py [--events 10000] [--json benchmarks/results/muon_tracks.json]

Contained nu_mu CC events of `nova-neutrinos` whose muon has a range of more than 2 m, of a seed that nothing is trained
on. A length is short if it is less than nine tenths of the range (CSDA) of the muon, long if more than eleven. Energies
are those of a spline of the length, fitted on one half of the events and looked at on the other. Intervals of 95 % by
the bootstrap over events.
"""

import sys

import torch
from rounds import finish, options_of, shown

from nuforge.baselines.muon_tracks import muon_tracks
from nuforge.baselines.range_energy import PIECES, TOLERANCE
from nuforge.baselines.splines import Spline
from nuforge.metrics.bootstrap import bootstrap
from nuforge.metrics.regression import half_width, residual_counts, residual_sums, rms
from nuforge.metrics.weights import ratio
from nuforge.models.prong_variables import in_both_views, muon_prong, of_prong, prong_of_most
from nuforge.physics.constants import MUON_MASS
from nuforge.physics.ranges import csda_range
from nuforge.samples.nova_neutrinos import neutrinos
from nuforge.units import cm, m

EVENTS, QUICK, SHARD, SEED = 10_000, 200, 100, 20
EDGE, LEAST = 20 * cm, 2 * m
SHORT, LONG = 0.9, 1.1
SCALE = 0.1
"""About the width of relative errors."""
WAYS = {
    "muon-like prong": "the longest prong with the energy loss of a muon, 0 without one",
    "own prong": "the longest prong that is the muon's own",
    "own prong in both views": "the same of those seen in both views",
    "track": "the track that is followed from the vertex",
}


def lengths(events, detector):
    """Range (B,) of each event's muon, its energy (B,), and its length by each of `WAYS` (B, 4), in cm and MeV."""
    prongs, energy = events["prongs"], events["event"]["lepton_energy"].double()
    true = csda_range((energy - MUON_MASS).clamp(min=0), MUON_MASS, detector.medium.material)
    particles = events["particles"]
    row = prongs["particle"]
    who = torch.where(row >= 0, particles["pdg"][row.clamp(min=0)].abs(), 0)
    primary = torch.where(row >= 0, particles["parent"][row.clamp(min=0)] < 0, False)
    own, length = (who == 13) & primary, prongs["length"].double()

    def longest(among):
        best = prong_of_most(prongs, torch.where(among, length, -torch.inf))
        return torch.where(of_prong(among.double(), best) > 0, of_prong(length, best), 0.0)

    like = of_prong(length, muon_prong(prongs))
    ways = [like, longest(own), longest(own & in_both_views(prongs)), muon_tracks(events, detector).length]
    return true, energy, torch.stack(ways, 1)


def looked_at(sample):
    """Ranges, energies and lengths of the asked events of a sample."""
    parts = []
    for events in map(sample.made, range(sample.shards)):
        true, energy, ways = lengths(events, sample.detector)
        asked = (events["event"]["edge"] > EDGE) & (true > LEAST)
        parts.append((true[asked], energy[asked], ways[asked]))
    return [torch.cat(column) for column in zip(*parts, strict=True)]


def shares(true, ways):
    """Shares of lengths that are short, not there, and long, by way, as intervals."""
    part = ways / true[:, None]
    kinds = {"short": part < SHORT, "none": ways == 0, "long": part > LONG}
    statistics = {"sums": torch.stack([torch.ones_like(part), *(kind.double() for kind in kinds.values())], 2)}
    names = {f"{way}/{kind}": (i, j + 1) for i, way in enumerate(WAYS) for j, kind in enumerate(kinds)}
    return bootstrap(
        statistics, lambda s: {name: ratio(s["sums"][:, i, j], s["sums"][:, i, 0]) for name, (i, j) in names.items()}
    )


def energies(length, energy, tolerance):
    """Root mean square and half-width of relative errors of a spline's energies, as intervals."""
    half = len(length) // 2
    one = torch.ones(half, dtype=torch.float64)
    spline = Spline.fitted(length[:half], energy[:half], energy[:half], one, PIECES, tolerance)
    residual = spline(length[half:]) / energy[half:] - 1
    event, n = torch.arange(len(residual)), len(residual)
    statistics = {
        "sums": residual_sums(residual, event, n),
        "counts": residual_counts(residual, event, n, SCALE),
    }
    return bootstrap(statistics, lambda s: {"RMS": rms(s["sums"]), "half-width": half_width(s["counts"], SCALE)})


def main(words=None):
    """Make the events, look at the lengths, fit the splines."""
    options = options_of(__doc__, words, 1, numbers=(("events", f"number of events, {EVENTS} if not given"),))
    torch.set_num_threads(1)
    events = options.events or (QUICK if options.quick else EVENTS)
    true, energy, ways = looked_at(neutrinos(events, SEED, SHARD, cosmic_share=0.0, only="nu_mu"))
    found = shares(true, ways)
    rows = [
        [way, what, *(shown(found[f"{way}/{kind}"]) for kind in ("short", "none", "long"))]
        for way, what in WAYS.items()
    ]
    fits = [("muon-like prong", 0, TOLERANCE), ("track", 3, TOLERANCE), ("track, least squares", 3, torch.inf)]
    of_fit = {name: energies(ways[:, i], energy, tolerance) for name, i, tolerance in fits}
    tables = [
        {
            "title": f"Lengths of {len(true)} contained muons longer than 2 m, shares",
            "columns": ["length", "what it is", "short", "none", "long"],
            "rows": rows,
        },
        {
            "title": f"Energies by a spline of the length, {len(true) - len(true) // 2} events",
            "columns": ["length", "half-width", "RMS"],
            "rows": [[name, shown(f["half-width"]), shown(f["RMS"])] for name, f in of_fit.items()],
        },
    ]
    better = found["track/short"].value < found["muon-like prong/short"].value
    measured = f"{found['track/short'].value:.3f} against {found['muon-like prong/short'].value:.3f}"
    goal = {"what": "short lengths", "target": "fewer of the track than of prongs", "measured": measured, "met": better}
    return finish("muon_tracks", options, tables, [goal])


if __name__ == "__main__":
    main(sys.argv[1:])
