"""What particles do in Geant4: its standard list where the data sets are, else models that read none. Runs in a worker.

The models without data sets:

- photons: photoelectric effect from the Sandia table, Klein-Nishina Compton scattering, Bethe-Heitler pairs; no
  Rayleigh scattering, no fluorescence, no photonuclear absorption;
- electrons: the relativistic model of bremsstrahlung at all energies (10 to 15 % low near 10 MeV);
- p, n, pi: Bertini's cascade with cross sections of Barashenkov and of Glauber and Gribov, elastic scattering;
  kaons, hyperons and antinucleons: Geant4's builders (Bertini, Fritiof) with Glauber-Gribov cross sections;
- decays, and mu-, pi-, K- at rest, as they are. Cross sections of neutron capture are data (G4NeutronCaptureXS ends
  the process without them), so it is left out; nuclear de-excitation emits photons of a continuum, for level schemes
  are data. Neutrons below 20 MeV are unreliable.
"""

from __future__ import annotations

import ctypes
from typing import Any

import geant4_pybind as g4

from nuforge.simulation.transport.geant4.symbols import Pointer, Symbols

NEUTRON_TIME = 10_000.0
"""ns after which neutrons end in both lists: Geant4's own choice in its standard lists."""

_ELECTROMAGNETIC = 2  # G4ProcessType

_HADRONS = (
    ("proton", "8G4Proton", "Nucleon"),
    ("neutron", "9G4Neutron", "Nucleon"),
    ("pi+", "10G4PionPlus", "Pion"),
    ("pi-", "11G4PionMinus", "Pion"),
)
"""Name, mangled class, and the family in the name of its cross sections."""

_BUILDERS = ("19BuildKaonsFTFP_BERT", "22BuildHyperonsFTFP_BERT", "22BuildAntiLightIonsFTFP")
"""Geant4's own functions for the inelastic scattering of rarer hadrons, mangled. Their cross sections are formulas."""

_KAONS = ("10G4KaonPlus", "11G4KaonMinus", "14G4KaonZeroLong", "15G4KaonZeroShort")


def standard(cut: float) -> Any:  # noqa: ANN401
    """Geant4's FTFP_BERT, for when the data sets are there.

    Args:
        cut: Production cut in range, cm.
    """
    physics = g4.FTFP_BERT()
    physics.SetVerboseLevel(0)
    physics.SetDefaultCutValue(cut * g4.cm)
    _be_quiet()
    return physics


class WithoutData(g4.G4VModularPhysicsList):  # type: ignore[misc]
    """The models that need no data sets.

    Args:
        cut: Production cut in range, cm.
    """

    def __init__(self, cut: float) -> None:
        super().__init__()
        self.SetVerboseLevel(0)
        neutrons = g4.G4NeutronTrackingCut(0)
        neutrons.SetTimeLimit(NEUTRON_TIME * g4.ns)
        self._parts = (g4.G4EmStandardPhysics(), g4.G4DecayPhysics(), g4.G4StoppingPhysics(), neutrons)
        for part in self._parts:
            self.RegisterPhysics(part)
        _be_quiet()  # after the parts, which set these parameters too
        parameters = g4.G4EmParameters.Instance()
        parameters.SetFluo(False)
        parameters.SetAuger(False)
        parameters.SetPixe(False)
        self.SetDefaultCutValue(cut * g4.cm)

    def ConstructProcess(self) -> None:
        """All processes; those that would read data exchanged."""
        super().ConstructProcess()
        symbols = Symbols(g4.__file__)
        _exchange_electromagnetic(symbols)
        _add_hadronic(symbols)


def _be_quiet() -> None:
    parameters = g4.G4EmParameters.Instance()
    parameters.SetVerbose(0)
    parameters.SetGeneralProcessActive(False)  # its secondaries would not say which process made them
    g4.G4HadronicParameters.Instance().SetVerboseLevel(0)


def _exchange_electromagnetic(symbols: Symbols) -> None:
    """The photoelectric effect and bremsstrahlung by models without tables; no Rayleigh scattering."""
    _remove(g4.G4Gamma.Definition(), ("phot", "Rayl"))
    photoelectric = symbols.construct(
        "_ZN21G4PhotoElectricEffectC1ERK8G4String13G4ProcessType",
        symbols.string("phot"),
        ctypes.c_int(_ELECTROMAGNETIC),
    )
    model = symbols.construct("_ZN19G4PEEffectFluoModelC1ERK8G4String", symbols.string("PhotoElectric"))
    symbols.call("_ZN12G4VEmProcess10SetEmModelEP10G4VEmModeli", photoelectric, model, ctypes.c_int(0))
    _register(symbols, photoelectric, _definition(symbols, "7G4Gamma"))
    for particle, mangled in ((g4.G4Electron, "10G4Electron"), (g4.G4Positron, "10G4Positron")):
        _remove(particle.Definition(), ("eBrem",))
        process = symbols.construct("_ZN17G4eBremsstrahlungC1ERK8G4String", symbols.string("eBrem"))
        model = symbols.construct(
            "_ZN25G4eBremsstrahlungRelModelC1EPK20G4ParticleDefinitionRK8G4String",
            Pointer(0),
            symbols.string("eBremLPM"),
        )
        symbols.call("_ZN20G4VEnergyLossProcess10SetEmModelEP10G4VEmModeli", process, model, ctypes.c_int(0))
        _register(symbols, process, _definition(symbols, mangled))


def _add_hadronic(symbols: Symbols) -> None:
    """Inelastic and elastic scattering of hadrons."""
    cascade = symbols.construct("_ZN18G4CascadeInterfaceC1ERK8G4String", symbols.string("BertiniCascade"))
    elastic = symbols.construct("_ZN15G4HadronElasticC1ERK8G4String", symbols.string("hElasticLHEP"))
    for name, mangled, family in _HADRONS:
        particle = _definition(symbols, mangled)
        process = symbols.construct(
            "_ZN24G4HadronInelasticProcessC1ERK8G4StringPK20G4ParticleDefinition",
            symbols.string(f"{name}Inelastic"),
            particle,
        )
        _complete(symbols, process, particle, _barashenkov(symbols, f"G4BGG{family}InelasticXS", particle), cascade)
        _add_elastic(symbols, particle, _barashenkov(symbols, f"G4BGG{family}ElasticXS", particle), elastic)
    for builder in _BUILDERS:
        symbols.call(f"_ZN17G4HadronicBuilder{builder}Ev")
    for mangled in _KAONS:
        cross_section = symbols.call(
            "_ZN14G4HadProcesses9ElasticXSERK8G4String", symbols.string("Glauber-Gribov"), returns=Pointer
        )
        _add_elastic(symbols, _definition(symbols, mangled), Pointer(cross_section), elastic)


def _barashenkov(symbols: Symbols, name: str, particle: Pointer) -> Pointer:
    """The cross sections of that class."""
    return symbols.construct(f"_ZN{len(name)}{name}C1EPK20G4ParticleDefinition", particle)


def _add_elastic(symbols: Symbols, particle: Pointer, cross_section: Pointer, model: Pointer) -> None:
    process = symbols.construct("_ZN22G4HadronElasticProcessC1ERK8G4String", symbols.string("hadElastic"))
    _complete(symbols, process, particle, cross_section, model)


def _complete(symbols: Symbols, process: Pointer, particle: Pointer, cross_section: Pointer, model: Pointer) -> None:
    """A hadronic process with its cross section and model, given to a particle."""
    symbols.call("_ZN17G4HadronicProcess10AddDataSetEP22G4VCrossSectionDataSet", process, cross_section)
    symbols.call("_ZN17G4HadronicProcess10RegisterMeEP21G4HadronicInteraction", process, model)
    _register(symbols, process, particle)


def _definition(symbols: Symbols, mangled: str) -> Pointer:
    """A particle's definition by the mangled name of its class."""
    return Pointer(symbols.call(f"_ZN{mangled}10DefinitionEv", returns=Pointer))


def _register(symbols: Symbols, process: Pointer, particle: Pointer) -> None:
    """Gives a process to a particle."""
    helper = Pointer(symbols.call("_ZN19G4PhysicsListHelper20GetPhysicsListHelperEv", returns=Pointer))
    name = "_ZN19G4PhysicsListHelper15RegisterProcessEP10G4VProcessP20G4ParticleDefinition"
    if not symbols.call(name, helper, process, particle, returns=ctypes.c_bool):
        raise RuntimeError("Geant4 refused a process of the models without data sets; install geant4-pybind==0.1.3")


def _remove(particle: Any, names: tuple[str, ...]) -> None:  # noqa: ANN401
    """Takes processes from a particle."""
    manager = particle.GetProcessManager()
    processes = manager.GetProcessList()
    for process in [processes[i] for i in range(manager.GetProcessListLength())]:
        if process.GetProcessName() in names:
            manager.RemoveProcess(process)
