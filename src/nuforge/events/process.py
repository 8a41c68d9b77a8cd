"""How a particle began: the codes of `particles.process`, whatever made the particle."""

from enum import IntEnum


class Process(IntEnum):
    """The process that created a particle."""

    UNKNOWN = -1
    PRIMARY = 0
    DECAY = 1  # in flight, at rest, and in orbit (mu- bound decay)
    IONISATION = 2  # an electron knocked out by a charged particle
    BREMSSTRAHLUNG = 3
    PAIR_PRODUCTION = 4  # by a photon, or by a charged particle
    COMPTON = 5
    PHOTOELECTRIC = 6
    ANNIHILATION = 7
    ELASTIC = 8  # hadronic, or a nuclear recoil of Coulomb scattering
    INELASTIC = 9  # hadronic
    CAPTURE = 10  # at rest: mu-, pi-, K-
    NEUTRON_CAPTURE = 11
    DEEXCITATION = 12  # photons and electrons of an excited nucleus
