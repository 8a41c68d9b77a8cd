"""Events of the chain: random walks with all that is true of them, and a prediction that is right up to `spoiled`."""

import torch
from toy_events import TRACK, toy_event

from nuforge.events import Column, Events, Table

LOW = 4
PID = {22: 0, 11: 1, 13: 2, 211: 3, 2212: 4}


def predicted(unit=""):
    return Column(unit, "a prediction", "prediction")


def table(columns, n, refers_to=None, about=None):
    return Table.from_counts(columns, torch.tensor([n]), refers_to=refers_to or {}, about=about or {})


def true_chain(seed=0):
    """One event with deposits, fragments, points and two interactions: the muon with its own, and the others."""
    event = toy_event(seed)
    voxels, particles = event["voxels"], event["particles"]
    deposit, label = voxels["particle"], voxels["label"]
    shown = torch.unique(deposit[label != LOW])
    number = torch.full((len(particles),), -1)
    number[shown] = torch.arange(len(shown))
    fragment = torch.where(label == LOW, -1, number[deposit])
    interaction = torch.tensor([0 if pdg == 13 or parent == 0 else 1 for pdg, parent in rows_of(particles)])
    kind = torch.zeros(len(shown), dtype=torch.int64)
    kind[fragment[fragment >= 0]] = label[fragment >= 0]
    start = particles["start"][shown]
    tracks = kind == TRACK
    place = torch.cat([start, start[tracks] + 20])
    columns = {"deposit": deposit, "fragment": fragment}
    refers = {"deposit": "particles", "fragment": "fragments"}
    fragments = {"label": kind, "particle": shown, "start": torch.ones(len(shown), dtype=torch.bool)}
    points = {
        "position": place,
        "label": torch.cat([kind, kind[tracks]]),
        "particle": torch.cat([shown, shown[tracks]]),
        "end": torch.arange(len(place)) >= len(shown),
    }
    more = {
        "voxels": voxels.only([c for c in voxels if c != "probability"]).with_columns(columns, refers_to=refers),
        "particles": particles.with_columns({"interaction": interaction}, refers_to={"interaction": "interactions"}),
        "interactions": table({"vertex": particles["start"][:2]}, 2),
        "fragments": table(fragments, len(shown), {"particle": "particles"}),
        "points": table(points, len(place), {"particle": "particles"}),
    }
    return Events({**event.tables, **more})


def rows_of(particles):
    return zip(particles["pdg"].tolist(), particles["parent"].tolist(), strict=True)


def chain(seed=0, split=False):
    """One event with truth and a prediction: a perfect one, but for a muon in two halves where it is split."""
    truth = true_chain(seed)
    voxels, particles = truth["voxels"], truth["particles"]
    fragment = voxels["fragment"].clone()
    n = len(truth["fragments"])
    kind, head = truth["fragments"]["label"], truth["fragments"]["particle"]
    if split:
        muon = (fragment == 0).nonzero()[:, 0]
        fragment[muon[: len(muon) // 3]] = n
        kind, head, n = torch.cat([kind, kind[:1]]), torch.cat([head, head[:1]]), n + 1
    pid = torch.tensor([PID[abs(int(pdg))] for pdg in particles["pdg"][head]])
    momentum = particles["momentum"][head]
    found = {
        "kind": kind,
        "pid": pid,
        "primary": (particles["parent"][head] < 0).long(),
        "interaction": particles["interaction"][head],
        "energy": torch.full((n,), 10.0),
        "kinetic_energy": torch.where(kind == TRACK, 412.0, torch.nan),
        "calorimetric_energy": torch.full((n,), torch.nan),
        "pid_probability": 0.88 * torch.nn.functional.one_hot(pid, 5) + 0.024,
        "start": particles["start"][head],
        "start_direction": momentum / momentum.norm(dim=1, keepdim=True),
    }
    points = truth["points"]
    of_points = {
        "position": points["position"],
        "probability": 0.7 * torch.nn.functional.one_hot(points["label"], 4) + 0.075,
        "score": torch.full((len(points),), 0.9),
        "end": points["end"].float(),
    }
    of_voxels = {"probability": toy_event(seed)["voxels"]["probability"], "reco_fragment": fragment}
    of_voxels["reco_particle"] = fragment.clone()
    refers = {"reco_fragment": "reco_fragments", "reco_particle": "reco_particles"}
    return Events(
        {
            **truth.tables,
            "voxels": voxels.with_columns(of_voxels, {name: predicted() for name in of_voxels}, refers),
            "reco_points": table(of_points, len(points), about={name: predicted() for name in of_points}),
            "reco_fragments": table({"kind": kind}, n, about={"kind": predicted()}),
            "reco_particles": table(
                found, n, {"interaction": "reco_interactions"}, {name: predicted() for name in found}
            ),
            "reco_interactions": table(
                {"vertex": truth["interactions"]["vertex"]}, 2, about={"vertex": predicted("cm")}
            ),
        }
    )


def without_truth(events):
    """The readout with the predictions."""
    kept = {}
    for name, rows in events.tables.items():
        columns = [c for c in rows if rows.about[c].role != "truth"]
        if columns:
            kept[name] = rows.only(columns)
    return Events(kept)


def emptied(events):
    """The same event with no rows in any table but its own."""
    none = {
        name: Table({c: rows[c][:0] for c in rows}, torch.tensor([0, 0]), rows.refers_to, rows.about)
        for name, rows in events.tables.items()
        if name != "event"
    }
    return Events({**events.tables, **none})


def enlarged(events, n):
    """The same event with its voxels repeated side by side until there are n."""
    rows = events["voxels"]
    which = torch.arange(n) % len(rows)
    columns = {name: rows[name][which] for name in rows}
    columns["index"] = columns["index"] + (torch.arange(n) // len(rows))[:, None].int()
    return events.with_table("voxels", Table(columns, torch.tensor([0, n]), rows.refers_to, rows.about))


def fragments_alone(events):
    """What fragments that were found by themselves are: numbers inside the event, without a table."""
    voxels = events["voxels"]
    number = {"reco_fragment": voxels["reco_fragment"]}
    bare = events.without("reco_points", "reco_fragments", "reco_particles", "reco_interactions")
    return bare.with_table("voxels", bare["voxels"].with_columns(number, {"reco_fragment": predicted()}))
