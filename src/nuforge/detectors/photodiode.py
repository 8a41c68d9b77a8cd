"""Photodiode: light to counts. What it adds, what it loses, what it keeps."""

from dataclasses import dataclass

from nuforge.detectors.constant import Constant, number, require_not_negative, require_positive
from nuforge.units import Hz, MeV, ns, us


@dataclass(frozen=True)
class Photodiode:
    """An avalanche photodiode and its electronics, one a cell. All charges are photo-electrons (pe).

    Args:
        light_yield: pe for a MeV of unquenched light that has no way to go along the fibre. 21 make 25 pe of a
            minimum-ionising muon at the far end of a cell of 15 m, what NOvA's photon transport is tuned to.
        excess_noise: Variance of the gain, in units of that of counting: 2.5 (NOvA, Technical Design Report 2007).
        noise: Of the electronics in pe. 4 (Technical Design Report).
        threshold: Least pe that are kept. 15: below the 20 pe that the Technical Design Report asks for at the far end.
        saturation: Most pe that are told apart: 2800 (NOvA's SimpleReadout, ADCMaxPE),
        counts: in so many counts of the converter: 12 bits.
        dark_rate: Rate in 1/ns at which the noise of one cell alone passes the threshold. 20 Hz make some 4000 hits in
            the 550 us that the far detector reads for a spill.
        integration: Light of one cell within so many ns of its last light makes one hit. The far detector samples each
            cell every 500 ns.
        jitter: Resolution in ns of the time of a bright hit,
        jitter_of_one: and what adds to it in quadrature, divided by the pe. 10 ns, and 30 ns at 20 pe: NOvA's timing.
        window: First and last time in ns, from the event's time zero, that is read.

    Raises:
        ValueError: If a number is out of its range.
    """

    light_yield: Constant = 21.0 / MeV
    excess_noise: float = 2.5
    noise: Constant = 4.0
    threshold: Constant = 15.0
    saturation: float = 2800.0
    counts: int = 4095
    dark_rate: float = 20.0 * Hz
    integration: float = 0.5 * us
    jitter: float = 10.0 * ns
    jitter_of_one: float = 560.0 * ns
    window: tuple[float, float] = (-1.0 * us, 9.0 * us)

    def __post_init__(self) -> None:
        require_positive("light_yield", "pe/MeV", self.light_yield, "without light nothing is seen")
        require_positive("saturation", "pe", self.saturation, "it is the top of the converter's range")
        require_positive("integration", "ns", self.integration, "NOvA's is 500")
        for name, unit in (("noise", "pe"), ("threshold", "pe"), ("dark_rate", "1/ns"), ("jitter", "ns")):
            require_not_negative(name, unit, getattr(self, name), "zero switches it off")
        require_not_negative("jitter_of_one", "ns", self.jitter_of_one, "zero switches it off")
        if not number(self.excess_noise) >= 1:
            raise ValueError(f"excess_noise must be at least 1, got {self.excess_noise}; 1 is counting alone")
        if self.counts < 1:
            raise ValueError(f"counts must be at least 1, got {self.counts}; 4095 are 12 bits")
        if not self.window[0] < self.window[1]:
            raise ValueError(f"window must begin before it ends (ns), got {self.window}; swap them")
