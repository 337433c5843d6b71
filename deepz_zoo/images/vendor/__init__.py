"""The formats of microscope makers: Leica LIF, Zeiss CZI and Nikon ND2, by the extra `formats`."""
