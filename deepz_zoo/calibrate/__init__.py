"""The optics of one microscope, from its images of beads."""
