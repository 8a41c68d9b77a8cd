"""What everyone may know: pure functions of physics, in cm, ns and MeV."""
