"""What the reconstruction of true clusters gives: bias, resolution and coverage of every quantity of reconstruction.md.

    python benchmarks/reconstructed.py [--json benchmarks/results/reconstruction.json]

Particles of the built-in simulation, each its own true cluster with its true start, as a chain without error would hand
them over. `make_reconstruction.py` puts the tables into docs/reconstruction.md.
"""

import sys
import time

import torch
from rounds import finish, options_of

from nuforge.detectors import lartpc_cube
from nuforge.events import Process
from nuforge.physics.kinematics import kinetic_of
from nuforge.physics.particles import mass_of
from nuforge.physics.ranges import csda_range
from nuforge.reconstruction import reconstruct
from nuforge.simulation.readout import read_out
from nuforge.simulation.sources import particle_bomb
from nuforge.simulation.sources.primaries import primaries
from nuforge.simulation.transport import transport
from nuforge.simulation.truth import VoxelClass, cluster_truth, given_truth

DETECTOR = lartpc_cube()
HEAD = ["quantity", "particles", "bias (median)", "resolution", "coverage"]
MUON, PION, KAON, PROTON = range(4)
"""Columns of the hypotheses."""
SMEAR = 0.25  # cm, of each coordinate of a start that is not exact
STOPPED, EARLY = "that stop", "that end early"


def gun(n, pdg, low, high, inner, seed):
    """n events of one particle of even kinetic energy (MeV) and any direction from the inner part of the cube."""
    generator = torch.Generator().manual_seed(seed)
    ones = torch.ones(n, dtype=torch.int64)
    direction = torch.randn((n, 3), generator=generator, dtype=torch.float64)
    vertex, energy = (torch.rand(shape, generator=generator, dtype=torch.float64) for shape in ((n, 3), (n,)))
    flying = primaries(
        ones,
        ones,
        (2 * vertex - 1) * 115.2 * inner,
        pdg * ones,
        low + (high - low) * energy,
        direction / direction.norm(dim=1, keepdim=True),
    )
    return seen(flying, generator)


def bombs(n, seed):
    """n particle bombs with cosmics."""
    generator = torch.Generator().manual_seed(seed)
    return seen(particle_bomb(n, DETECTOR, generator), generator)


def seen(flying, generator):
    """Events as the detector reads them out, with true clusters."""
    return cluster_truth(
        given_truth(read_out(transport(flying, DETECTOR, generator), DETECTOR, generator), "particles"), "particles"
    )


def smeared(events, seed=9):
    """The same with starts that are off."""
    clusters, generator = events["clusters"], torch.Generator().manual_seed(seed)
    start = clusters["start"]
    off = SMEAR * torch.randn(start.shape, generator=generator, dtype=torch.float64)
    return events.with_table("clusters", clusters.with_columns({"start": start + off.to(start)}))


class Sample:
    """Reconstructed clusters beside what is true of their particles, one row each.

    Args:
        events: With true clusters.
        kind: Class of the clusters.
        of: Which particles: the primary ones, or all of PDG numbers.
    """

    def __init__(self, events, kind=VoxelClass.TRACK, of=None):
        self.events = events
        self.table = reconstruct(events, DETECTOR)["reco_particles"]
        particles = events["particles"]
        who = head(events)
        chosen = particles["parent"] < 0 if of is None else torch.isin(particles["pdg"], torch.tensor(of))
        self.row = ((self.table["kind"] == int(kind)) & (who >= 0) & chosen[who]).nonzero()[:, 0]
        self.who = who[self.row]
        self.mass = mass_of(particles["pdg"][self.who])
        self.momentum = particles["momentum"][self.who].double()
        self.p = self.momentum.norm(dim=1)
        self.kinetic = kinetic_of(self.p, self.mass)
        self.left = particles["escaped"][self.who] > 0
        self.broken = made_by(particles, Process.INELASTIC)[self.who]

    def __getitem__(self, name):
        column = self.table[name][self.row]
        return column.double() if column.is_floating_point() else column

    def stopped(self, slack=3.0):
        """Whether each of a gun's came to rest at the end of its range, by its length to a few cm and a tenth."""
        expected = csda_range(self.kinetic, float(self.mass[0]), DETECTOR.material) if len(self.mass) else self.mass
        return ~self.left & ~self.broken & (expected - self["length"] < slack + 0.1 * expected)


def head(events):
    """The particle of each cluster's voxels, -1 for none."""
    voxels = events["voxels"]
    known = (voxels["cluster"] >= 0) & (voxels["deposit"] >= 0)
    found = torch.full((len(events["clusters"]),), -1)
    found[voxels["cluster"][known]] = voxels["deposit"][known]
    return found


def made_by(particles, process):
    """Which particles have children of a process."""
    parent = particles["parent"]
    children = (particles["process"] == int(process)) & (parent >= 0)
    return torch.zeros(len(parent), dtype=torch.bool).index_fill(0, parent[children], True)


def row(what, found, true, inside=None, absolute=False):
    """A line of the table: median and half the central 68 % of the relative residual; the share of true intervals."""
    known = found.isfinite()
    residual = (found if absolute else found / true - 1)[known]
    if not len(residual):
        return [what, 0, "", "", ""]
    low, middle, high = residual.quantile(residual.new_tensor([0.16, 0.5, 0.84])).tolist()
    share = "" if inside is None else f"{inside[known].double().mean():.2f}".lstrip("0")
    return [what, int(known.sum()), f"{100 * middle:+.1f} %", f"{50 * (high - low):.1f} %", share]


def within(found, true, error):
    return (found - true).abs() <= error


def momenta(size):
    """Range and scattering."""
    rows = []
    muons, protons = gun(size, 13, 50.0, 500.0, 0.5, 1), gun(size, 2212, 40.0, 400.0, 0.5, 2)
    for what, events, column in (("muons, 50 to 500 MeV", muons, MUON), ("protons, 40 to 400 MeV", protons, PROTON)):
        s = Sample(events)
        kept = s["stops"] & s.stopped()
        found, error = (s[name][kept, column] for name in ("range_momentum", "range_momentum_error"))
        inside = within(found, s.p[kept], error)
        rows.append(row(f"range momentum, {what}, {STOPPED}", found, s.p[kept], inside))
        if column == PROTON:
            short = s["length"][kept] < 3
            rows.append(row("the same below 3 cm", found[short], s.p[kept][short], inside[short]))
    contained = Sample(muons)
    kept = contained["stops"] & (contained.p > 250) & (contained.p < 650)
    rows.append(scattering("muons inside, 250 to 650 MeV/c", contained, kept))
    for energy, low, high in ((1000.0, 100, 200), (1000.0, 60, 100), (2000.0, 100, 200)):
        s = Sample(gun(size, 13, energy, energy, 0.95, int(energy + low)))
        kept = ~s["stops"] & (s["length"] > low) & (s["length"] < high)
        rows.append(scattering(f"muons of {energy / 1000:g} GeV that leave after {low} to {high} cm", s, kept))
    return rows


def scattering(what, s, kept):
    low, found, high = (s[f"scattering_momentum{end}"][kept, MUON] for end in ("_low", "", "_high"))
    inside = (low <= s.p[kept]) & (s.p[kept] <= high)
    return row(f"scattering momentum, {what}", found, s.p[kept], inside)


def energies(size):
    """Best energies of what ends inside, and of what leaves; and what charge and range alone say."""
    rows, found = [], {}
    guns = {
        "mu-": (13, 20.0, 500.0, MUON),
        "pi+": (211, 10.0, 450.0, PION),
        "pi-": (-211, 10.0, 450.0, PION),
        "protons": (2212, 15.0, 450.0, PROTON),
    }
    for seed, (name, (pdg, low, high, column)) in enumerate(guns.items()):
        s = found[name] = Sample(gun(2 * size, pdg, low, high, 0.5, 100 + seed))
        inside = s["stops"]
        stopped = s.stopped() & inside
        of_range = kinetic_of(s["range_momentum"][:, column], s.mass)
        error = s["range_momentum_error"][:, column] * s["range_momentum"][:, column] / (of_range + s.mass)
        groups = {"": inside, f", {STOPPED}": stopped, f", {EARLY}": inside & ~stopped}
        for group, kept in groups.items() if name != "mu-" else (("", inside),):
            alone, best, true = of_range[kept], s["kinetic_energy"][kept], s.kinetic[kept]
            rows.append(row(f"range alone, {name}{group}", alone, true, within(alone, true, error[kept])))
            held = within(best, true, s["kinetic_energy_error"][kept])
            rows.append(row(f"best energy, {name}{group}", best, true, held))
        charge = s["calorimetric_energy"][stopped]
        rows.append(row(f"energy by charge, {name} {STOPPED}", charge, s.kinetic[stopped]))
    for name, (pdg, low, high) in {"protons": (2212, 200.0, 800.0), "pi+ and pi-": (211, 200.0, 900.0)}.items():
        s = Sample(gun(2 * size, pdg, low, high, 0.9, 200 + pdg))
        kept = ~s["stops"] & s.left
        best, true = s["kinetic_energy"][kept], s.kinetic[kept]
        held = within(best, true, s["kinetic_energy_error"][kept])
        rows.append(row(f"best energy, {name} that leave", best, true, held))
    return rows, found


def reliability(found):
    """How often particles stopped that are said to have, by what is said."""
    rows = []
    for low, high in ((0.0, 0.1), (0.1, 0.5), (0.5, 0.9), (0.9, 0.99), (0.99, 1.01)):
        cells = [f"{low:g} to {min(high, 1):g}"]
        for names, column in ((("pi+", "pi-"), PION), (("protons",), PROTON)):
            said, true = [], []
            for s in (found[name] for name in names):
                probability = s["stop_probability"][:, column]
                kept = s["stops"] & (probability >= low) & (probability < high)
                said.append(probability[kept])
                true.append(s.stopped()[kept].double())
            said, true = torch.cat(said), torch.cat(true)
            cells += [len(said), f"{said.mean():.2f}", f"{true.mean():.2f}"] if len(said) else [0, "", ""]
        rows.append(cells)
    return rows


def showers_and_vertices(size):
    rows, lines = [], []
    for pdg, name in ((22, "photons"), (11, "electrons")):
        exact = gun(size, pdg, 50.0, 700.0, 0.3, pdg)
        s = Sample(exact, VoxelClass.SHOWER)
        kept = s["contained"]
        best, true = s["kinetic_energy"][kept], s.kinetic[kept]
        rows.append(
            row(
                f"shower energy, {name}, 50 to 700 MeV", best, true, within(best, true, s["kinetic_energy_error"][kept])
            )
        )
        off = Sample(smeared(exact), VoxelClass.SHOWER)
        lines.append([f"direction of {name}, 68 % within", f"{angle(s):.1f} degrees; starts off {angle(off):.1f}", ""])
        start = s["start_stopping_power"]
        lines.append([f"dE/dx of the first 3 cm, {name}", f"{start.nanmedian():.1f} MeV/cm", len(start)])
        lines[-1].append(start[start.isfinite()])
    one, other = (entry.pop() for entry in lines if len(entry) == 4)
    lines.append(["photons above electrons in it", f"{(one[:, None] > other).double().mean():.3f}", ""])
    events = smeared(bombs(max(size // 3, 4), 3))
    found = reconstruct(events, DETECTOR)
    table, particles = found["reco_interactions"], found["reco_particles"]
    true = torch.full((len(table),), -1)
    placed = particles["interaction"] >= 0
    true[particles["interaction"][placed]] = events["particles"]["interaction"][head(events)[placed]]
    miss = (table["vertex"] - events["interactions"]["vertex"][true]).double()
    known = miss.isfinite().all(1)
    distance = miss[known].norm(dim=1)
    inside = (miss.abs() < table["vertex_error"])[known].double().mean()
    half, most = distance.quantile(0.5), distance.quantile(0.9)
    said = [f"{half:.2f} cm (median distance)", f"90 % within {most:.2f} cm", f"{inside:.2f}".lstrip("0")]
    rows.append([f"vertex of particle bombs, starts off by {SMEAR} cm a coordinate", int(known.sum()), *said])
    return rows, lines


def angle(s):
    """Degrees within which 68 % of the directions at the start lie."""
    cosine = (s["start_direction"] * s.momentum).sum(1) / s.p
    return float(torch.rad2deg(torch.acos(cosine[cosine.isfinite()].clamp(-1, 1))).quantile(0.68))


def identities(size, found):
    """dE/dx against residual range, and Michel electrons."""
    lines = []
    kaons = Sample(gun(size, 321, 50.0, 300.0, 0.4, 55))
    for name, s, column in (
        ("muons", found["mu-"], MUON),
        ("pi+", found["pi+"], PION),
        ("kaons", kaons, KAON),
        ("protons", found["protons"], PROTON),
    ):
        chi2 = s["stopping_chi2"][s.stopped()]
        chi2 = chi2[chi2.isfinite().all(1)]
        right = chi2.argmin(1) == column
        lines.append([f"lowest chi^2 of four is that of {name}", percent(right), len(chi2)])
        if column in (MUON, PROTON):
            pair = chi2[:, column] < chi2[:, PROTON + MUON - column]
            lines.append([f"muons and protons told apart, {name}", percent(pair), len(chi2)])
    s = Sample(gun(size, -13, 60.0, 200.0, 0.5, 66), VoxelClass.MICHEL, (11, -11))
    large = s["voxels"] >= 3
    muon = s["muon"][large]
    parent, who = s.events["particles"]["parent"][s.who[large]], head(s.events)
    lines.append(["Michel electrons with a muon", percent(muon >= 0), len(muon)])
    lines.append(["of these the right one", percent((who[muon] == parent)[muon >= 0]), int((muon >= 0).sum())])
    lines.append(["direction of tracks, 68 % within", f"{angle(found['mu-']):.1f} degrees", len(found["mu-"].p)])
    return lines


def percent(right):
    return f"{100 * right.double().mean():.1f} %" if len(right) else ""


def speed(rounds):
    """Processor time of the reconstruction for an event of a chain's size."""
    events = bombs(8, 5)
    times = []
    for _ in range(rounds + 1):
        start = time.process_time()
        reconstruct(events, DETECTOR)
        times.append((time.process_time() - start) / len(events))
    voxels = len(events["voxels"]) / len(events)
    return ["processor time of the reconstruction", f"{1e3 * min(times):.0f} ms an event", f"{voxels:,.0f} voxels"]


def main(words=None):
    options = options_of(__doc__, words, 3)
    torch.set_num_threads(1)
    size = 12 if options.quick else 300
    by_energy, found = energies(size)
    of_showers, about_showers = showers_and_vertices(size)
    measured = momenta(size) + by_energy + of_showers
    others = about_showers + identities(size, found) + [speed(options.rounds)]
    said = ["stop_probability", *(f"{x}{y}" for x in ("pions", "protons") for y in ("", ", mean", ", stopped"))]
    tables = [
        {"title": "Bias, resolution and coverage", "columns": HEAD, "rows": measured},
        {"title": "Is it calibrated that it stopped?", "columns": said, "rows": reliability(found)},
        {"title": "And else", "columns": ["", "measured", "of"], "rows": others},
    ]
    return finish("reconstructed", options, tables)


if __name__ == "__main__":
    main()
    sys.exit(0)
