// Turns the output of a Deep-Z z-stack model, planes as channels, into a z-stack.
// Works in Fiji and in plain ImageJ; select the output first.
pixel_um = $pixel_size_um;  // pixel size in the specimen
z_step_um = $z_step_um;     // distance between planes, the mean one where it differs

if (nImages == 0) exit("Open the output of the model first.");
Stack.getDimensions(width, height, channels, slices, frames);
if (channels != $planes) exit("Expected an image with $planes channels.");
Stack.setDimensions(1, channels, frames);
setVoxelSize(pixel_um, pixel_um, z_step_um, "um");
resetMinAndMax();
