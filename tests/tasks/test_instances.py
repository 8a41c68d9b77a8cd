"""Instances: particles in views, from their true outlines to figures, and back."""

import pytest
import torch

from nuforge.baselines.prong_pixels import ProngPixels
from nuforge.errors import InputError
from nuforge.events import Column, Events, Table
from nuforge.models.mask_rcnn import MaskRCNN, claims, grown
from nuforge.tasks.instances import INSTANCE, KINDS, Instances, shared_out, true_particles
from nuforge.training.detection import Detection
from toy_instances import crossing_tracks


def figures(events, said):
    task = Instances()
    sums = {name: values.sum(0, keepdim=True) for name, values in task.statistics(events, said).items()}
    return {name: float(value) for name, value in task.figures(sums).items()}


def saying(events, instance):
    about = {"reco_instance": INSTANCE}
    return {"pixels": Table({"reco_instance": instance}, events["pixels"].offsets, about=about)}


def as_found(events, task):
    """The true outlines as a network would give them: boxes of the pixels with masks of 28 x 28 and a score of 1."""
    truth, pixels = task.outlines(events), events["pixels"]
    n = len(truth.image)
    box, mask = torch.zeros(n, 4), torch.zeros(n, 28, 28)
    for i in range(n):
        mine = truth.pixel[truth.particle == i]
        x, y = pixels["column"][mine].float(), pixels["row"][mine].float()
        box[i] = torch.stack([x.min(), y.min(), x.max() + 1, y.max() + 1])
        across, along = box[i, 2] - box[i, 0], box[i, 3] - box[i, 1]
        for u, v in zip(x, y, strict=True):
            left, right = (int(28 * (u + d - box[i, 0]) / across) for d in (0, 1))
            top, bottom = (int(28 * (v + d - box[i, 1]) / along) for d in (0, 1))
            mask[i, top : max(bottom, top + 1), left : max(right, left + 1)] = 1
    columns = {"view": truth.image % 2, "box": box, "score": torch.ones(n), "kind": truth.kind, "mask": mask}
    about = {name: Column("", name, "prediction") for name in columns}
    return Table.from_counts(columns, torch.bincount(truth.image // 2, minlength=len(events)), about=about)


def test_the_truth_has_perfect_figures():
    events = crossing_tracks(3)
    found = figures(events, saying(events, true_particles(events)))
    assert all(found[name] == 1 for name in ("hit efficiency", "hit purity", "ARI", "panoptic quality", "assigned"))
    assert found["particles found"] == 1
    assert found["right particles"] == found["particles said"] == 2


def test_the_outlines_of_the_truth_give_its_pixels_back():
    events, task = crossing_tracks(3), Instances()
    said = task.predict({"reco_instances": as_found(events, task), "pixels": events["pixels"]})
    found = figures(events, said)
    assert found["hit purity"] > 0.97  # where tracks cross a pixel is of both outlines
    assert found["hit efficiency"] > 0.97
    assert found["panoptic quality"] > 0.95
    assert found["kind accuracy"] > 0.97


def test_shared_pixels_are_in_the_outlines_of_both_particles():
    events = crossing_tracks(1)
    truth = Instances(share=0.1).outlines(events)
    strict = Instances(share=0.6).outlines(events)
    assert len(truth.pixel) > len(strict.pixel)
    assert truth.pixel.bincount().max() == 2
    assert (truth.image.diff() >= 0).all()


def test_masks_grow_into_what_is_empty_up_to_half_way_to_the_next_light():
    masks = torch.zeros(2, 9, 12)
    masks[0, 4, 2] = masks[1, 4, 8] = 1
    near, far = grown(masks, masks.sum(0, keepdim=True), torch.tensor([0, 0]))
    assert near.nonzero().aminmax(dim=0).max.tolist() == [7, 5]  # three steps; column 5 is as near to both
    assert far.nonzero().aminmax(dim=0).min.tolist() == [1, 5]
    assert (near.sum(), far.sum()) == (7 * 6, 7 * 7)  # the first has a wall on its left
    others = masks.sum(0, keepdim=True)
    others[0, 4, 3] = 1  # light of nobody's
    assert not grown(masks, others, torch.tensor([0, 0]))[0, 4, 3:].any()


def test_one_cluster_of_all_is_whole_and_impure_and_single_pixels_are_pure_and_torn():
    events = crossing_tracks(2)
    n = len(events["pixels"])
    whole, torn = (figures(events, saying(events, x)) for x in (torch.zeros(n).long(), torch.arange(n)))
    assert whole["hit efficiency"] == torn["hit purity"] == 1
    assert whole["hit purity"] == pytest.approx(0.6)  # 30 of 50 pixels
    assert torn["hit efficiency"] < 0.1
    assert whole["ARI"] == torn["ARI"] == pytest.approx(0)
    assert whole["panoptic quality"] < 0.5
    assert torn["panoptic quality"] == 0


def test_pixels_without_a_particle_count_against_efficiency_and_not_against_purity():
    events = crossing_tracks(1)
    instance = true_particles(events)
    instance[::2] = -1
    found = figures(events, saying(events, instance))
    assert found["hit purity"] == 1
    assert 0.3 < found["hit efficiency"] < 0.7
    assert found["assigned"] == pytest.approx(0.5, abs=0.05)


def test_a_view_is_measured_on_its_own():
    events = crossing_tracks(1)
    swapped = torch.where(events["pixels"]["view"] == 1, 1 - true_particles(events), true_particles(events))
    assert figures(events, saying(events, swapped))["panoptic quality"] == 1


def test_each_pixel_goes_to_the_strongest_claim_in_its_own_view():
    pixels = Table.from_counts(
        {"view": torch.tensor([0, 0, 1]), "row": torch.tensor([5, 5, 5]), "column": torch.tensor([5, 40, 5])},
        torch.tensor([3]),
        about={name: Column("", name, "readout") for name in ("view", "row", "column")},
    )
    box = torch.tensor([[0.0, 0.0, 10.0, 10.0]]).repeat(3, 1)
    columns = {
        "view": torch.tensor([0, 0, 0]),
        "box": box,
        "score": torch.tensor([0.5, 0.9, 0.95]),
        "mask": torch.tensor([1.0, 0.9, 0.2])[:, None, None].expand(3, 28, 28),
    }
    found = Table.from_counts(
        columns, torch.tensor([3]), about={name: Column("", name, "prediction") for name in columns}
    )
    assert shared_out(pixels, found, score=0.0, mask=0.5).tolist() == [1, -1, -1]
    assert shared_out(pixels, found, score=0.92, mask=0.0).tolist() == [2, -1, -1]
    instance, pixel, probability = claims(pixels, found)
    assert pixel.tolist() == [0, 0, 0]
    torch.testing.assert_close(probability[instance.argsort()], torch.tensor([1.0, 0.9, 0.2]))


def test_prongs_answer_by_the_hits_of_pixels():
    events = crossing_tracks(2)
    found = figures(events, ProngPixels().predict(events.readout()))
    assert found["hit purity"] == found["hit efficiency"] == 1  # the toy's prongs are its particles
    assert found["kind accuracy"] != found["kind accuracy"]  # it says none


@pytest.fixture
def detection():
    torch.manual_seed(0)
    return Detection(MaskRCNN(len(KINDS), width=4, channels=8, hidden=16, most=5), Instances())


def test_every_parameter_of_the_detection_learns(detection):
    detection.train().loss(crossing_tracks(4)).backward()
    idle = [name for name, p in detection.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert not idle, f"no gradient reached {idle}"


def test_validation_has_losses_and_an_answer_and_leaves_the_network_as_it_was(detection):
    detection.eval()
    before = {name: value.clone() for name, value in detection.state_dict().items()}
    loss, statistics = detection.evaluate(crossing_tracks(3))
    assert loss > 0
    assert statistics["panoptic"].shape == (3, 5)
    assert not any(module.training for module in detection.modules())
    assert all(torch.equal(value, before[name]) for name, value in detection.state_dict().items())


def test_an_answer_needs_no_truth_and_numbers_particles_inside_events(detection):
    events = crossing_tracks(3)
    detection.task.choose(0.0)
    said = detection.eval().predict(events.readout())
    assert len(said["pixels"]["reco_instance"]) == len(events["pixels"])
    assert said["reco_instances"].n_events == 3
    assert "mask" not in said["reco_instances"]
    most = said["reco_instances"].counts[events["pixels"].batch]
    assert (said["pixels"]["reco_instance"] < most).all()


@pytest.mark.parametrize("training", [True, False])
def test_events_without_pixels_and_without_particles_pass(detection, training):
    events = crossing_tracks(2)
    empty = events.keep("pixels", events["pixels"].batch == 0)
    nobody = empty.keep("truth_links", torch.zeros(len(empty["truth_links"]), dtype=torch.bool))
    detection.train(training)
    assert detection.loss(empty).isfinite()
    assert detection.loss(nobody).isfinite()
    detection.eval()
    found = figures(empty, detection.predict(empty.readout()))
    assert found["hit efficiency"] <= 1


def test_losses_of_events_that_weigh_differently_are_refused(detection):
    events = crossing_tracks(2)
    event = events["event"].with_columns({"weight": torch.tensor([1.0, 2.0]).double()})
    with pytest.raises(InputError, match="losses of boxes are of events that count alike"):
        detection.loss(Events({**events.tables, "event": event}))


def test_impossible_numbers_are_refused():
    with pytest.raises(InputError, match="least must be 1 pixel or more"):
        Instances(least=0)
    with pytest.raises(InputError, match="kinds, width, channels, hidden and most must be at least 1"):
        MaskRCNN(0)
