"""The voxel classes and the numbers of their definition."""

from enum import IntEnum


class VoxelClass(IntEnum):
    """What a voxel shows.

    - Track: muons, charged pions and kaons, protons and heavier, with the knock-on electrons too small to be a delta.
    - Michel: the electron of a muon's decay (decay of a bound mu- included) and what ionises along it.
    - Delta: an electron knocked out of a track with more than `DELTA_ENERGY` that leaves `DELTA_VOXELS` voxels or more
      outside its parent's.
    - Shower: electrons and photons of primaries, pi0 and bremsstrahlung (that of Michels, deltas and muons too), where
      the connected deposit of one shower has `DEPOSIT_VOXELS` voxels or more.
    - Low-energy: every smaller detached deposit; deposits of neutrons and of nuclear gammas, of any size.

    Codes of one definition differ in what they call a proton that a neutron knocked out. Here it is a track if its
    connected deposit has `DEPOSIT_VOXELS` voxels or more (3 cm, about 65 MeV in liquid argon: nobody could tell it
    from another proton) and low-energy if it is smaller; nuclei that a neutron made are always low-energy.
    """

    SHOWER = 0
    TRACK = 1
    MICHEL = 2
    DELTA = 3
    LOW_ENERGY = 4


CLASSES = ("shower", "track", "michel", "delta", "low-energy")

PRIORITY = (VoxelClass.TRACK, VoxelClass.MICHEL, VoxelClass.SHOWER, VoxelClass.DELTA, VoxelClass.LOW_ENERGY)
"""Which class names a voxel that holds several."""

VISIBLE = 0.1  # a deposit is seen in a voxel if it gave this fraction of its energy
DEPOSIT_VOXELS = 10  # smaller connected deposits are low-energy
DELTA_ENERGY = 3.0  # MeV, kinetic
DELTA_VOXELS = 5
DEFINITION_VOXEL = 0.3  # cm, the voxel that the two counts above are for

# An electron that a stopped mu- leaves behind is from its decay in orbit, up to 53 MeV, or an Auger electron of the
# muonic atom: at most the binding of its lowest level, (18 alpha)^2 m_mu / 2 = 0.91 MeV for argon.
AUGER_ENERGY = 1.5  # MeV
# Photons of a hadronic process are nuclear lines and giant resonances, up to some 20 MeV. The rare harder ones (the
# radiative capture of a pi-, around 100 MeV) are showers like any photon.
NUCLEAR_GAMMA_ENERGY = 30.0  # MeV
