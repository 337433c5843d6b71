// Adds a digital propagation matrix (DPM) to the active image, for a Deep-Z model.
// It leaves a 32-bit hyperstack of two channels: 1 is the image, 2 the DPM in micrometers.
// Works in Fiji and in plain ImageJ; set the four numbers first.
z_um = 5;           // distance of the wanted surface at the center of the image; + is higher stage z
tilt_x_degrees = 0; // z grows from left to right
tilt_y_degrees = 0; // z grows from top to bottom
pixel_um = $pixel_size_um;  // pixel size in the specimen

if (nImages == 0) exit("Open the image to refocus first.");
if (bitDepth() == 24 || nSlices > 1) exit("The active image must be a single grey-level image.");
setBatchMode(true);
w = getWidth();
h = getHeight();
image = newArray(w * h);
for (y = 0; y < h; y++)
  for (x = 0; x < w; x++)
    image[y * w + x] = getPixel(x, y);
step_x = pixel_um * tan(tilt_x_degrees * PI / 180);
step_y = pixel_um * tan(tilt_y_degrees * PI / 180);
newImage("deepz_input", "32-bit grayscale-mode", w, h, 2, 1, 1);
Stack.setChannel(1);
for (y = 0; y < h; y++)
  for (x = 0; x < w; x++)
    setPixel(x, y, image[y * w + x]);
Stack.setChannel(2);
for (y = 0; y < h; y++)
  for (x = 0; x < w; x++)
    setPixel(x, y, z_um + (x - (w - 1) / 2) * step_x + (y - (h - 1) / 2) * step_y);
Stack.setChannel(1);
resetMinAndMax();
setBatchMode("exit and display");
