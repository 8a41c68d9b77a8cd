"""Medium: what particles ionise and electrons drift through."""

from dataclasses import dataclass, field

from nuforge.detectors.constant import Constant, require_not_negative, require_positive
from nuforge.detectors.recombination import ModifiedBox, Recombination
from nuforge.physics.material import LIQUID_ARGON, Material
from nuforge.units import cm, eV, ms, s


@dataclass(frozen=True)
class Medium:
    """A liquid that is ionised and lets electrons drift.

    Args:
        material: What it is made of.
        temperature: K. The drift velocity falls by 2 % a degree.
        ionisation_energy: Mean energy for one pair of electron and ion in MeV. 23.6 eV: Miyajima et al., Phys. Rev. A 9
            (1974) 1438, used by every liquid-argon code.
        recombination: Model and constants of the electrons that escape their ions.
        lifetime: Mean life of a drifting electron in ns. 3 ms is what the DUNE far detector requires (TDR, vol. IV);
            more than 10 ms has been reached.
        longitudinal_diffusion: Diffusion constant along the drift in cm^2/ns. 4.0 cm^2/s: larnd-sim, Li et al., NIM A
            816 (2016) 160; MicroBooNE measures 3.74 +- 0.29 at 0.274 kV/cm (arXiv:2104.06551).
        transverse_diffusion: Across the drift in cm^2/ns. 8.8 cm^2/s: larnd-sim.

    Raises:
        ValueError: If a constant is not positive (diffusion may be zero).
    """

    material: Material = LIQUID_ARGON
    temperature: Constant = 87.3
    ionisation_energy: Constant = 23.6 * eV
    recombination: Recombination = field(default_factory=ModifiedBox)
    lifetime: Constant = 3.0 * ms
    longitudinal_diffusion: Constant = 4.0 * cm**2 / s
    transverse_diffusion: Constant = 8.8 * cm**2 / s

    def __post_init__(self) -> None:
        require_positive("temperature", "K", self.temperature, "liquid argon boils at 87.3 K")
        require_positive("ionisation_energy", "MeV", self.ionisation_energy, "23.6 eV is 23.6e-6")
        require_positive("lifetime", "ns", self.lifetime, "3 ms is 3e6; for no loss of charge give a very long one")
        for name in ("longitudinal_diffusion", "transverse_diffusion"):
            require_not_negative(name, "cm^2/ns", getattr(self, name), "4 cm^2/s is 4e-9; zero is no diffusion")
