"""What becomes of particles at rest: annihilation, decays, captures by nuclei."""

from __future__ import annotations

import torch
from torch import Tensor

from nuforge.events import Process
from nuforge.physics.constants import ELECTRON_MASS, MUON_LIFETIME
from nuforge.physics.particles import LIFETIMES
from nuforge.simulation.directions import isotropic
from nuforge.simulation.nucleus import Products
from nuforge.simulation.nucleus.capture import capture_kaons, capture_muons, capture_pions, muon_levels
from nuforge.simulation.transport.decays import decay
from nuforge.simulation.transport.flight import Birth, Flight, Record
from nuforge.simulation.transport.hadronic import births_of
from nuforge.simulation.transport.nuclear import NuclearTables

_DECAYING = (-13, 211, 321)
CAPTURED = (13, -211, -321)


def captured_at_rest(stopped: Flight) -> Tensor:
    """Whether particles at rest (N,) fall to a nucleus: mu-, pi- and K-."""
    return torch.isin(stopped.pdg, torch.tensor(CAPTURED))


def come_to_rest(stopped: Flight, generator: torch.Generator) -> list[Birth]:
    """What particles at rest become that no nucleus attracts: positrons annihilate to two photons, others decay."""
    births = [_annihilation(stopped, (stopped.pdg == -11).nonzero().squeeze(1), generator)]
    for number in _DECAYING:
        rows = (stopped.pdg == number).nonzero().squeeze(1)
        births += decay(stopped, generator, rows, _wait(stopped, rows, LIFETIMES[abs(number)], generator))
    return births


def capture_at_rest(stopped: Flight, nuclear: NuclearTables, generator: torch.Generator, record: Record) -> list[Birth]:
    """What mu-, pi- and K- at rest become.

    A mu- falls to the lowest orbit about a nucleus, whose energy leaves as X-rays and a deposit, and is captured there
    or decays; pi- and K- are captured at once.
    """
    births: list[Birth] = []
    for number, capture in ((-211, capture_pions), (-321, capture_kaons)):
        rows = (stopped.pdg == number).nonzero().squeeze(1)
        if len(rows):
            element = _element(len(rows), nuclear, generator)
            products = capture(nuclear.z[element], nuclear.a[element], generator)
            births += births_of(stopped, rows, products, Process.CAPTURE, generator)
    rows = (stopped.pdg == 13).nonzero().squeeze(1)
    return births + (_muons(stopped, rows, nuclear, generator, record) if len(rows) else [])


def _muons(
    stopped: Flight, rows: Tensor, nuclear: NuclearTables, generator: torch.Generator, record: Record
) -> list[Birth]:
    """X-rays, decays in orbit, and captures of mu- at `rows`."""
    element = _element(len(rows), nuclear, generator)
    z, a = nuclear.z[element], nuclear.a[element]
    levels = muon_levels(z, a)
    births = _x_rays(stopped, rows, levels, generator, record)
    rate = 1 / MUON_LIFETIME + nuclear.muon_capture[element]
    leaves_at = stopped.time[rows] - torch.log1p(-_uniform(len(rows), generator)) / rate
    decays = _uniform(len(rows), generator) < 1 / (MUON_LIFETIME * rate)
    births += decay(stopped, generator, rows[decays], leaves_at[decays], levels[0][decays])
    captured = ~decays
    products: Products = capture_muons(z[captured], a[captured], generator)
    return births + births_of(stopped, rows[captured], products, Process.CAPTURE, generator, leaves_at[captured])


def _x_rays(
    stopped: Flight,
    rows: Tensor,
    levels: tuple[Tensor, Tensor, Tensor],
    generator: torch.Generator,
    record: Record,
) -> list[Birth]:
    """The last two photons, 3d to 2p and 2p to 1s, of muons that fall; what came before is a deposit of theirs."""
    first, second, third = levels
    at = stopped[rows]
    record.deposit(at, at.position, at.position, third.float(), torch.zeros(len(rows)))
    births = []
    for energy in (first - second, second - third):
        direction = isotropic(len(rows), generator)
        births.append(Birth.here(stopped, rows, 22, Process.CAPTURE, direction, energy.float()))
    return births


def _annihilation(flight: Flight, rows: Tensor, generator: torch.Generator) -> Birth:
    """Two photons back to back from positrons at rest."""
    axis = isotropic(len(rows), generator)
    both = rows.repeat(2)
    energy = torch.full((len(both),), ELECTRON_MASS)
    return Birth.here(flight, both, 22, Process.ANNIHILATION, torch.cat([axis, -axis]), energy)


def _element(n: int, nuclear: NuclearTables, generator: torch.Generator) -> Tensor:
    """Elements (n,) at which negative particles come to rest."""
    return torch.searchsorted(nuclear.stopping.cumsum(0), _uniform(n, generator)).clamp(max=len(nuclear.z) - 1)


def _wait(flight: Flight, rows: Tensor, lifetime: float, generator: torch.Generator) -> Tensor:
    """Times (ns) at which particles at rest decay."""
    return flight.time[rows] - lifetime * torch.log1p(-_uniform(len(rows), generator))


def _uniform(n: int, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator, dtype=torch.float64)
