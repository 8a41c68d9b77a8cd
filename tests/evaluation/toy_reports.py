"""A small task and a report with plausible numbers, made by hand."""

import torch

from nuforge.evaluation.report import Difference, Published, Report
from nuforge.events import Column, Events, Table
from nuforge.metrics.calibration import expected_calibration_error, reliability_counts
from nuforge.metrics.classification import accuracy, confusion_counts, iou, mean_over_classes, recall
from nuforge.metrics.interval import Interval

CLASSES = ("shower", "track", "Michel", "delta", "low-energy")
METHOD = "event bootstrap, 1000 replicas, 95%"


class ToyTask:
    """Classes of voxels, as the segmentation task counts them."""

    def statistics(self, events, prediction):
        voxels, k = events["voxels"], len(CLASSES)
        confidence, best = prediction["voxels"]["probability"].max(1)
        confusion = confusion_counts(voxels["label"], best, voxels.batch, len(events), k)
        known = voxels["label"] >= 0
        correct = (best == voxels["label"])[known]
        reliability = reliability_counts(confidence[known], correct, voxels.batch[known], len(events))
        return {"confusion": confusion, "reliability": reliability}

    def figures(self, sums):
        of_class = recall(sums["confusion"])
        return {
            "mean IoU": mean_over_classes(iou(sums["confusion"])),
            "accuracy": accuracy(sums["confusion"]),
            "expected calibration error": expected_calibration_error(sums["reliability"]),
            **{f"recall of {name}": of_class[..., i] for i, name in enumerate(CLASSES)},
        }


def toy_batch(n_events, skill, generator):
    """Events with labelled voxels, and a prediction that is right more often the higher its skill."""
    counts = torch.randint(0, 60, (n_events,), generator=generator)
    n = int(counts.sum())
    label = torch.randint(-1, len(CLASSES), (n,), generator=generator)
    index = torch.randint(0, 768, (n, 3), generator=generator, dtype=torch.int32)
    voxels = Table.from_counts({"index": index, "label": label, "value": torch.rand(n, generator=generator)}, counts)
    return Events({"voxels": voxels}), {name: toy_prediction(voxels, s, generator) for name, s in skill.items()}


def toy_prediction(voxels, skill, generator):
    right = torch.nn.functional.one_hot(voxels["label"].clamp(min=0), len(CLASSES))
    logits = torch.randn(len(voxels), len(CLASSES), generator=generator) + skill * right
    about = {"probability": Column("", "probability of each class", "prediction")}
    return {"voxels": Table({"probability": torch.softmax(logits, 1)}, voxels.offsets, about=about)}


def interval(value, half=0.01, unit=""):
    return Interval(value, value - half, min(value + half, 1.0), 412, METHOD, unit)


def toy_report():
    """A report in which the model wins most figures, loses one and leaves one undecided."""
    figures = {
        "mean IoU": (0.858, 0.642, 0.694),
        "mean recall": (0.969, 0.771, 0.823),
        "accuracy": (0.981, 0.934, 0.951),
        "expected calibration error": (0.008, 0.062, 0.015),
        "recall of shower": (0.982, 0.951, 0.962),
        "recall of track": (0.991, 0.974, 0.992),
        "recall of Michel": (0.921, 0.512, 0.688),
        "recall of delta": (0.803, 0.601, 0.811),
        "recall of low-energy": (0.934, 0.817, 0.864),
        "IoU of shower": (0.944, 0.863, 0.901),
        "IoU of track": (0.975, 0.941, 0.961),
        "IoU of Michel": (0.801, 0.412, 0.503),
        "IoU of delta": (0.702, 0.388, 0.401),
        "IoU of low-energy": (0.868, 0.606, 0.704),
    }
    metrics = {name: interval(v[0], min(0.01, v[0] / 2)) for name, v in figures.items()}
    baselines = {
        b: {n: interval(v[i], 0.014) for n, v in figures.items()} for i, b in ((1, "rules"), (2, "boosted trees"))
    }
    difference = {
        name: Difference(interval(v[0] - v[2], 0.006), "boosted trees", "lower" if "error" in name else "higher")
        for name, v in figures.items()
    }
    slides = "SPINE, Neutrino 2024 (slides)"
    recalls = {"shower": 0.979, "track": 0.995, "Michel": 0.840, "delta": 0.825, "low-energy": 0.781}
    return Report(
        experiment="lartpc-segmentation",
        arguments={"events": 4000, "width": 16, "depth": 5, "steps": 2400, "augment": True, "temperature": False},
        split={"train": 3180, "validation": 408, "test": 412, "unit": "event"},
        seeds=(0,),
        metrics=metrics,
        baselines=baselines,
        difference=difference,
        published=[Published(f"recall of {name}", value, slides) for name, value in recalls.items()],
        shifts={"field -2 %": {"mean IoU": interval(0.849)}, "noise x 1.5": {"mean IoU": interval(0.833)}},
        curves=toy_curves(),
        timing={"simulate": 412.0, "train": 2211.5, "evaluate": 96.2},
        provenance={
            "question": "Which process made each voxel: shower, track, Michel, delta or low-energy?",
            "version": "0.1.0",
            "created": "2025-01-01T12:00:00+00:00",
            "sample": {"name": "particle-bomb", "seed": 0, "shards": 40},
        },
    )


def toy_curves():
    model = [
        [9800, 90, 20, 30, 60],
        [60, 24800, 20, 70, 50],
        [12, 20, 921, 22, 25],
        [30, 110, 20, 803, 37],
        [40, 10, 6, 10, 934],
    ]
    trees = [
        [9620, 180, 60, 60, 80],
        [90, 24790, 40, 50, 30],
        [102, 120, 688, 40, 50],
        [60, 80, 20, 811, 29],
        [80, 30, 16, 10, 864],
    ]
    rules = [
        [9510, 240, 70, 90, 90],
        [300, 24350, 100, 200, 50],
        [202, 180, 512, 56, 50],
        [160, 180, 40, 601, 19],
        [120, 40, 16, 7, 817],
    ]
    centres = [(i + 0.5) / 15 for i in range(15)]
    count = [0, 0, 0, 40, 80, 130, 200, 260, 330, 420, 600, 900, 1500, 3900, 29000]

    def reliability(bend):
        accuracy = [
            None if not n else max(0.0, c - bend * c * (1 - c) * 2) for c, n in zip(centres, count, strict=True)
        ]
        confidence = [None if not n else c for c, n in zip(centres, count, strict=True)]
        return {"confidence": confidence, "accuracy": accuracy, "count": count}

    steps = list(range(0, 2401, 100))
    return {
        "confusion": {"classes": list(CLASSES), "counts": {"model": model, "rules": rules, "boosted trees": trees}},
        "reliability": {"model": reliability(0.06), "rules": reliability(0.5), "boosted trees": reliability(0.2)},
        "learning": {
            "training loss": {"step": steps, "value": [0.15 + 1.4 / (1 + s / 120) for s in steps]},
            "validation loss": {"step": steps[::4], "value": [0.19 + 1.35 / (1 + s / 130) for s in steps[::4]]},
        },
    }
