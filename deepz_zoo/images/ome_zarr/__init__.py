"""OME-Zarr 0.4 and 0.5: images, plates and containers of several images, by ngff-zarr."""
