"""Steps cut and merged into segments."""

import subprocess
import sys

import numpy as np
import pytest

from nuforge.simulation.transport.geant4.cutting import Steps, segments_of


def walk(track, lengths, energy=1.0, is_line=True, t0=0.0):
    """Steps along x of one track, a MeV a step, a ns a cm."""
    lengths = np.asarray(lengths, dtype=float)
    stop = np.cumsum(lengths)
    zero = np.zeros_like(stop)
    n = len(lengths)
    return Steps(
        track=np.full(n, track),
        is_line=np.full(n, is_line),
        start=np.stack([stop - lengths, zero, zero], axis=1),
        end=np.stack([stop, zero, zero], axis=1),
        begin=t0 + stop - lengths,
        finish=t0 + stop,
        energy=np.full(n, energy),
        length=lengths,
    )


def together(*parts):
    names = Steps.__annotations__
    return Steps(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def test_a_long_step_is_cut_at_equal_lengths_with_energy_in_proportion():
    segments = segments_of(walk(0, [1.0]), 0.3)
    assert segments.length == pytest.approx([0.3, 0.3, 0.3, 0.1])
    assert segments.energy == pytest.approx([0.3, 0.3, 0.3, 0.1])
    assert segments.start[:, 0] == pytest.approx([0.0, 0.3, 0.6, 0.9])
    assert segments.time == pytest.approx([0.15, 0.45, 0.75, 0.95])


def test_short_steps_are_merged_up_to_the_longest_segment():
    segments = segments_of(walk(0, [0.1] * 7), 0.3)
    assert segments.energy == pytest.approx([3.0, 3.0, 1.0])
    assert segments.end[:, 0] == pytest.approx([0.3, 0.6, 0.7])


def test_tracks_are_not_merged_and_the_first_ones_do_not_change_the_bits_of_the_others():
    rng = np.random.default_rng(1)
    one, two = walk(4, rng.random(200)), walk(9, rng.random(300) ** 3)
    both, alone = segments_of(together(one, two), 0.3), segments_of(two, 0.3)
    mine = both.track == 9
    for name in ("start", "end", "time", "energy", "length"):
        assert np.array_equal(getattr(both, name)[mine], getattr(alone, name))


def test_energy_and_path_are_kept_and_no_segment_is_too_long():
    rng = np.random.default_rng(2)
    steps = walk(1, rng.exponential(0.2, 5000), energy=0.5)
    segments = segments_of(steps, 0.3)
    assert segments.energy.sum() == pytest.approx(2500.0)
    assert segments.length.sum() == pytest.approx(steps.length.sum())
    assert segments.length.max() <= 0.3 + 1e-9


def test_energy_of_neutral_particles_is_where_the_step_ends():
    segments = segments_of(walk(0, [5.0, 2.0], is_line=False), 0.3)
    assert segments.length.tolist() == [0.0, 0.0]
    assert segments.start[:, 0].tolist() == segments.end[:, 0].tolist() == [5.0, 7.0]
    assert segments.time.tolist() == [5.0, 7.0]


def test_steps_without_energy_leave_nothing_and_no_step_is_no_segment():
    assert len(segments_of(walk(0, [1.0], energy=0.0), 0.3).energy) == 0
    assert len(segments_of(walk(0, []), 0.3).energy) == 0


def test_a_gap_ends_a_segment_and_is_in_none():
    steps = walk(0, [0.1, 0.1, 5.0, 0.1, 0.1])
    steps.is_line[2], steps.energy[2] = False, 0.0
    segments = segments_of(steps, 0.3)
    assert segments.start[:, 0] == pytest.approx([0.0, 5.2, 5.3])
    assert segments.end[:, 0] == pytest.approx([0.2, 5.3, 5.4])


def test_a_geant4_process_starts_without_torch():
    code = "import sys, nuforge.simulation.transport.geant4.cutting; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
