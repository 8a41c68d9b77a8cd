"""The track of a muon in slices: followed from the vertex hit by hit, through other prongs and gaps, to its end."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nuforge.detectors.nova import SegmentedDetector
from nuforge.events import Events
from nuforge.models.prong_variables import prong_of_most
from nuforge.simulation.cells.places import Places, places_of

STEP, WINDOW = 26.0, 80.0
ROAD = 7.0
WANDER = 0.06
LOSS = 1.45
CALM = (0.7, 2.2)
MOST = 150
STEEP = 0.35
APART = 8.0

@dataclass(frozen=True)
class State:
    event: Tensor
    point: Tensor
    direction: Tensor


def seeds(readout):
    """Pairs of directions: every prong of view X with every of Y."""
    prongs = readout["prongs"]
    d = prongs["direction"].double()
    x = (prongs["hits_x"] > 0).nonzero().squeeze(1)
    y = (prongs["hits_y"] > 0).nonzero().squeeze(1)
    n = prongs.n_events
    cy = torch.bincount(prongs.batch[y], minlength=n)
    oy = cy.cumsum(0) - cy
    ex = prongs.batch[x]
    reps = cy[ex]
    i = torch.repeat_interleave(x, reps)
    k = torch.arange(len(i)) - torch.repeat_interleave(reps.cumsum(0) - reps, reps)
    j = y[oy[prongs.batch[i]] + k] if len(i) else i
    same = torch.sign(d[i, 2]) == torch.sign(d[j, 2])
    i, j = i[same], j[same]
    def slope(r, a):
        return d[r, a] / d[r, 2].abs().clamp(min=0.02)
    v = torch.stack([slope(i, 0), slope(j, 1), torch.where(d[i, 2] < 0, -1.0, 1.0).double()], 1)
    return i, j, torch.nn.functional.normalize(v, dim=1)


SIGMA, ROBUST, GAP, WANDER0 = 1.5, (4.0, 2.5, 2.0), 300.0, 0.06


def follow(readout, detector, event, point, direction, tight=True):
    places = places_of(readout, detector)
    n = len(event)
    hc = torch.bincount(places.event, minlength=len(readout))
    ho = hc.cumsum(0) - hc
    reps = hc[event]
    track = torch.repeat_interleave(torch.arange(n), reps)
    hit = ho[event][track] + torch.arange(len(track)) - (reps.cumsum(0) - reps)[track]
    z, u, view, energy = places.z[hit], places.u[hit], places.view[hit], places.charge[hit]
    point, direction = point.clone(), direction.clone()
    f64 = torch.float64
    out = {k: torch.zeros(n, dtype=f64) for k in ("length", "calm", "own")}
    out["seen"] = torch.zeros(n, 2, dtype=f64)
    out["expected"] = torch.zeros(n, 2, dtype=f64)
    out["first"] = torch.full((n,), torch.inf, dtype=f64)
    active = torch.arange(n)
    local = track
    eye = torch.eye(6, dtype=f64)
    for number in range(MOST):
        if not len(active):
            break
        p, d = point[active], direction[active]
        m = len(active)
        scale = 1 / d[:, 2].abs().clamp(min=STEEP)
        begin = number == 0
        prior = torch.tensor([1 / (4.0 if begin else 1.0) ** 2] * 3 + [1 / (WANDER0 if begin else WANDER) ** 2] * 3, dtype=f64)
        window = WINDOW * (2.0 if begin else 1.0)
        shift = torch.zeros(m, 6, dtype=f64)
        t, a, nv = geometry(z, u, view, p[local], d[local])
        ahead = ((t > -10) & (t < window * scale[local])).nonzero().squeeze(1)
        g = local[ahead]
        ta, aa = t[ahead], a[ahead]
        j = torch.cat([nv[ahead], nv[ahead] * ta[:, None]], 1) / SIGMA
        for robust in ROBUST:
            r = aa / SIGMA - (j * shift[g]).sum(1)
            w = (1 + (r / robust).square()).pow(-2)
            jw = j * w[:, None]
            A = torch.zeros(m, 36, dtype=f64).index_add_(0, g, (jw[:, :, None] * j[:, None]).flatten(1)).view(m, 6, 6) + eye * prior
            b = torch.zeros(m, 6, dtype=f64).index_add_(0, g, jw * (aa / SIGMA)[:, None])
            shift = torch.linalg.solve(A, b)
        p = p + shift[:, :3]
        d = torch.nn.functional.normalize(d + shift[:, 3:], dim=1)
        t, a, _ = geometry(z, u, view, p[local], d[local])
        span = scale[local]
        near = (t > -5) & (t < WINDOW * span) & (a.abs() < ROAD)
        side = 2 * local + view
        last = torch.full((2 * m,), -torch.inf, dtype=f64).scatter_reduce(0, side[near], t[near], "amax").view(m, 2)
        if begin:
            out["first"] = out["first"].scatter_reduce(0, local[near], t[near], "amin")
        step = STEP * scale
        far = (t > (STEP * span)) & (t < GAP * span) & (a.abs() < ROAD + 0.03 * t)
        again = torch.bincount(side[far], minlength=2 * m).view(m, 2) >= 3
        goes = (last.amin(1) > step) | ((last.amax(1) > step) & again.all(1))
        low, high = last.amin(1), last.amax(1)
        end = torch.minimum(high, low.clamp(min=0) + APART * scale).clamp(min=0)
        way = torch.where(goes, step, end)
        inside = near & (t >= 0) & (t < way[local] + 1e-6)
        e = torch.zeros(m, dtype=f64).index_add_(0, local[inside], energy[inside])
        loss = e / way.clamp(min=6.6)
        is_calm = (loss > CALM[0]) & (loss < CALM[1])
        tight = inside & (a.abs() < 5)
        out["seen"][active] += torch.bincount(side[tight], minlength=2 * m).view(m, 2)
        out["expected"][active] += way[:, None] * (d[:, 2:].abs() / 13.2 + d[:, :2].abs() / 7.8)
        out["length"][active] += way
        out["calm"][active] += torch.where(is_calm, way, 0.0)
        out["own"][active] += torch.where(is_calm, e, torch.minimum(e, LOSS * way))
        point[active] = p + way[:, None] * d
        direction[active] = d
        active_new = goes.nonzero().squeeze(1)
        place = torch.full((m,), -1)
        place[active_new] = torch.arange(len(active_new))
        keep = (place[local] >= 0) & (t > 0)
        z, u, view, energy = z[keep], u[keep], view[keep], energy[keep]
        local = place[local[keep]]
        active = active[active_new]
    out["end"] = point
    out["quality"] = (out["seen"] / out["expected"].clamp(min=1)).clamp(max=1).amin(1)
    return out


def geometry(z, u, view, p, d):
    across = torch.where(view == 0, d[:, 0], d[:, 1])
    at = torch.where(view == 0, p[:, 0], p[:, 1])
    flat = torch.hypot(across, d[:, 2]).clamp(min=1e-2)
    dz, du = z - p[:, 2], u - at
    t = (dz * d[:, 2] + du * across) / flat**2
    a = (du * d[:, 2] - dz * across) / flat
    zero = torch.zeros_like(a)
    nz, nu = -across / flat, d[:, 2] / flat
    nv = torch.stack([torch.where(view == 0, nu, zero), torch.where(view == 1, nu, zero), nz], 1)
    return t, a, nv
