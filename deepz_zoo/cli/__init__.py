"""The command line: one thin module per command, each with a click command named ``command``.

A command parses its options, calls one function of the package and prints the result. Whatever is
slow to import (torch, bioimageio, skimage, matplotlib) is imported inside the command's function,
so that ``deepz-zoo --help`` answers at once.
"""
