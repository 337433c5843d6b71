"""TIFF files: plain ones, OME-TIFF, and those of ImageJ, MetaMorph and Micro-Manager."""
