// Deep-Z deepImageJ: the active image on other planes or on a surface, refocused by deepImageJ 3.
//
// Builds the input of a Deep-Z model of bioimage.io, a 32-bit hyperstack of two channels: the image, and
// the distance of the wanted surface at each pixel in micrometers (DPM); one slice for each distance.
// Runs deepImageJ on it and calibrates the result. Takes the current plane and channel of the active
// image. + is the direction of increasing stage z.
//
// From the menu it opens a dialog. In a macro, as the Recorder writes it:
//
//   run("Deep-Z deepImageJ", "model=deepz_leica20x_0.8_TxRd z=-10:10:2");
//   run("Deep-Z deepImageJ", "model=deepz_leica20x_0.8_TxRd dpm=DPM");
//
// Options
//   model=FOLDER      an unpacked model in ImageJ's folder "models", or its full path
//   z=UM              a distance 5, a list -5,0,5 or a range -10:10:2
//   dpm=TITLE         an open image of distances in micrometers instead, see Deep-Z Make DPM
//   pixel_size=UM     where the image has none
//   seconds=N         the time limit for the result once deepImageJ has run, 10 by default
//   only_build        stop before deepImageJ is called

given = readOptions("model z dpm pixel_size seconds only_build");
if (nImages == 0) stop("open the image to refocus first");
if (bitDepth() == 24)
  stop("\"" + getTitle() + "\" is a color image; split its channels (Image > Color > Split Channels) and take one");
if (2 * getWidth() * getHeight() > 50000000)
  stop("deepImageJ takes up to 5000 x 5000 pixels; use Deep-Z Refocus for larger images");
image = getImageID();
if (!has("only_build")) checkDeepImageJ();
if (!given && !isHeadless()) ask();
model = "";
if (!has("only_build")) model = modelFolder(option("model", ""));
if (!isOpen(image)) stop("the image was closed before it was refocused");
selectImage(image);
title = File.getNameWithoutExtension(getTitle());
pixel = pixelSizeUm();
surface = option("dpm", "none");
depths = newArray(1);
if (surface == "none") depths = readDepths(option("z", ""));
else checkDpm(image, surface);

input = buildInput(image, title, depths, surface);
if (has("only_build")) calibrate(title + "_with_DPM", depths, surface, pixel);
else runDeepImageJ(input, model, title, depths, surface, pixel);

function checkDeepImageJ() {
  commands = "" + call("ij.Menus.getCommands");
  if (indexOf(commands, "DeepImageJ Run=") < 0)
    stop("deepImageJ is not installed; in Fiji: Help > Update... > Manage Update Sites,\ntick DeepImageJ, apply and restart");
}

// Returns the path of a model's folder, without a slash at the end.
function modelFolder(name) {
  models = listModels();
  if (name == "") stop("no model named; expected model=FOLDER, here one of: " + String.join(models, ", "));
  places = newArray(name, getDirectory("imagej") + "models/" + name);
  for (i = 0; i < places.length; i++)
    if (File.exists(places[i] + "/rdf.yaml")) return replace(places[i], "/$", "");
  if (endsWith(name, ".zip")) stop(name + " is packed; unpack it into a folder in " + getDirectory("imagej") + "models");
  stop(name + ": no folder with an rdf.yaml, here or in " + getDirectory("imagej") + "models;\nunpack a Deep-Z package there, or run: deepz-zoo fiji install");
}

// Returns the Deep-Z models among those of ImageJ.
function listModels() {
  found = newArray(0);
  folder = getDirectory("imagej") + "models/";
  if (!File.isDirectory(folder)) return found;
  names = getFileList(folder);
  for (i = 0; i < names.length; i++) {
    name = replace(names[i], "/", "");
    if (indexOf(name, "deepz") >= 0) {
      if (File.exists(folder + name + "/rdf.yaml")) found = Array.concat(found, name);
    }
  }
  return found;
}

// Reads 5, -5,0,5 or -10:10:2 into an array of distances.
function readDepths(text) {
  expected = "z=" + text + ": expected 5, -5,0,5 or -10:10:2 in micrometers, or dpm=TITLE";
  numbers = split(text, ":,");
  for (i = 0; i < numbers.length; i++)
    if (isNaN(parseFloat(numbers[i]))) stop(expected);
  if (numbers.length == 0) stop(expected);
  if (indexOf(text, ":") < 0) {
    depths = newArray(numbers.length);
    for (i = 0; i < depths.length; i++) depths[i] = parseFloat(numbers[i]);
    return depths;
  }
  if (numbers.length != 3) stop(expected);
  start = parseFloat(numbers[0]);
  end = parseFloat(numbers[1]);
  step = parseFloat(numbers[2]);
  if (step == 0 || (end - start) * step < 0) stop(expected + "; this step does not lead from the first value to the last");
  depths = newArray(floor((end - start) / step + 0.001) + 1);
  for (i = 0; i < depths.length; i++) depths[i] = start + i * step;
  return depths;
}

function checkDpm(image, title) {
  if (!isOpen(title)) stop("dpm=" + title + ": no image of this title is open");
  width = getWidth();
  height = getHeight();
  selectImage(title);
  if (getWidth() != width || getHeight() != height)
    stop("dpm=" + title + " is " + getWidth() + " x " + getHeight() + " pixels, the image " + width + " x " + height);
  if (bitDepth() != 32)
    stop("dpm=" + title + " has " + bitDepth() + " bit; expected 32 bit in micrometers (see Deep-Z Make DPM)");
  selectImage(image);
}

// Runs deepImageJ on the hyperstack, closes it, and calibrates the result.
function runDeepImageJ(input, model, title, depths, surface, pixel) {
  before = imageIds();
  showStatus("Deep-Z: running deepImageJ ...");
  // deepImageJ 3.1 reads the first four keys, 3.0 the others; each ignores unknown ones.
  run("DeepImageJ Run", "model_path=[" + model + "] input_path=null output_folder=null display_output=all " +
    "modelPath=[" + model + "] inputPath=null outputFolder=null displayOutput=all");
  result = waitForNewImage(before, number("seconds", 10));
  selectImage(input);
  close();
  selectImage(result);
  if (nSlices == depths.length) {
    if (nSlices > 1) Stack.setDimensions(1, nSlices, 1);
    calibrate(title + "_refocused", depths, surface, pixel);
  }
  showStatus("");
}

// Returns the ID of the first image that was not open before. deepImageJ 3.1 shows its result some
// time after its command has returned, and the input stays the active image until then.
function waitForNewImage(before, seconds) {
  end = getTime() + 1000 * seconds;
  while (true) {
    ids = imageIds();
    for (i = 0; i < ids.length; i++)
      if (!contains(before, ids[i])) return ids[i];
    if (getTime() > end)
      stop("deepImageJ opened no image within " + seconds + " s; look for its message in the Log or the Console.\nThe first run of a model needs a network to fetch its engine");
    wait(50);
  }
}

// Returns the IDs of all open images; the active image stays the same.
function imageIds() {
  ids = newArray(nImages);
  if (ids.length == 0) return ids;
  active = getImageID();
  for (i = 0; i < ids.length; i++) {
    selectImage(i + 1);
    ids[i] = getImageID();
  }
  selectImage(active);
  return ids;
}

function contains(ids, id) {
  for (k = 0; k < ids.length; k++)
    if (ids[k] == id) return true;
  return false;
}

// Builds the hyperstack and returns its ID.
function buildInput(image, title, depths, surface) {
  width = getWidth();
  height = getHeight();
  newImage("deepz_" + title, "32-bit grayscale-mode", width, height, 2, depths.length, 1);
  input = getImageID();
  for (i = 0; i < depths.length; i++) {
    copyPlane(image, input, 1, i + 1);
    if (surface != "none") {
      selectImage(surface);
      copyPlane(getImageID(), input, 2, i + 1);
    } else {
      selectImage(input);
      Stack.setPosition(2, i + 1, 1);
      setColor(depths[i]);
      fillRect(0, 0, width, height);
    }
  }
  selectImage(input);
  Stack.setPosition(1, 1, 1);
  resetMinAndMax();
  return input;
}

// Copies the current plane of an image into a plane of the hyperstack.
function copyPlane(from, to, channel, slice) {
  selectImage(to);
  Stack.setPosition(channel, slice, 1);
  imageCalculator("Copy", to, from);
}

// Labels the planes of the active image with their z, and sets its calibration.
function calibrate(title, depths, surface, pixel) {
  um = fromCharCode(181) + "m";
  rename(title);
  n = depths.length;
  step = 1;
  even = false;
  if (n > 1) {
    step = depths[1] - depths[0];
    even = true;
  }
  for (i = 2; i < n; i++)
    if (abs(depths[i] - depths[i - 1] - step) > 0.001 * abs(step)) even = false;
  if (!even) step = 1;
  if (pixel > 0) setVoxelSize(pixel, pixel, abs(step), "um");
  // Only this command sets the origin (in slices), and it needs a display.
  if (even && step > 0 && pixel > 0 && !isHeadless()) run("Properties...", "origin=0,0," + d2s(-depths[0] / step, 6));
  getDimensions(width, height, channels, slices, frames);
  for (i = 1; i <= nSlices; i++) {
    z = depths[floor((i - 1) / channels)];
    sign = "";
    if (z > 0) sign = "+";
    setSlice(i);
    label = "z = " + sign + trimmed(z) + " " + um;
    if (surface != "none") label = surface;
    setMetadata("Label", label);
  }
  setSlice(1);
}

// Returns a number without zeros at its end.
function trimmed(value) {
  text = d2s(value, 3);
  return replace(replace(text, "0+$", ""), "\\.$", "");
}

function ask() {
  models = listModels();
  if (models.length == 0)
    stop("no Deep-Z model in " + getDirectory("imagej") + "models; unpack a package there,\nor run: deepz-zoo fiji install");
  Dialog.create("Deep-Z deepImageJ");
  Dialog.addChoice("Model", models, models[0]);
  Dialog.addString("Z (" + fromCharCode(181) + "m)", call("ij.Prefs.get", "deepz.z", "-10:10:2"), 16);
  Dialog.addMessage("A distance 5, a list -5,0,5 or a range -10:10:2;\n+ is the direction of increasing stage z.");
  titles = getList("image.titles");
  titles = Array.concat(newArray("none"), titles);
  Dialog.addChoice("Dpm instead of z", titles, "none");
  Dialog.addNumber("Pixel_size (0: the image's own)", 0, 4, 8, fromCharCode(181) + "m");
  Dialog.show();
  List.set("model", Dialog.getChoice());
  List.set("z", replace(Dialog.getString(), " ", ""));
  List.set("dpm", Dialog.getChoice());
  List.set("pixel_size", "" + Dialog.getNumber());
}

// ---- pixel size: the same in every macro that needs it

// Returns the option "pixel_size", or the active image's pixel size in micrometers; 0 if unknown.
function pixelSizeUm() {
  if (has("pixel_size")) {
    size = number("pixel_size", 0);
    if (size > 0) return size;
  }
  getPixelSize(unit, width, height);
  if (unit == "um" || unit == fromCharCode(181) + "m" || startsWith(unit, "micron") || startsWith(unit, "micromet"))
    return width;
  if (unit == "nm" || startsWith(unit, "nanomet")) return width / 1000;
  if (unit == "mm" || startsWith(unit, "millimet")) return width * 1000;
  return 0;
}

// ---- end of pixel size

// ---- options: the same in every Deep-Z macro

// Reads options such as "z=-5:5:1 output=[/my data/a.tif] clip" into the list; a bare key is "true".
// Returns whether there are any. (ij.Macro.getValue finds "z=" inside of a file name as well.)
function readOptions(keys) {
  text = getArgument();
  if (text == "") text = "" + call("ij.Macro.getOptions");
  if (text == "null" || text == "0") text = "";
  if (indexOf(text, "\"") >= 0) stop("quotation marks are not possible here: " + text);
  given = lengthOf(replace(text, " ", "")) > 0;
  List.clear();
  text = text + "  ";
  while (lengthOf(text) > 1) {
    end = indexOf(text, " ");
    equals = indexOf(text, "=");
    if (equals < 0 || equals > end) {
      equals = end;
      value = "true";
    } else if (startsWith(substring(text, equals), "=[")) {
      end = indexOf(text, "] ") + 1;
      if (end == 0) stop("a bracket [ is not closed in: " + text);
      value = substring(text, equals + 2, end - 1);
    } else {
      value = substring(text, equals + 1, end);
    }
    key = substring(text, 0, equals);
    if (key != "" && indexOf(" " + keys + " ", " " + key + " ") < 0)
      stop("there is no option '" + key + "'; there are: " + keys);
    if (key != "") List.set(key, value);
    text = substring(text, end + 1);
  }
  return given;
}

function has(key) {
  if (List.get(key) == "") return false;
  return true;
}

function option(key, otherwise) {
  if (has(key)) return List.get(key);
  return otherwise;
}

function number(key, otherwise) {
  text = option(key, "" + otherwise);
  value = parseFloat(text);
  if (isNaN(value)) stop(key + "=" + text + ": expected a number");
  return value;
}

function isHeadless() {
  return matches(call("java.awt.GraphicsEnvironment.isHeadless"), "true");
}

function stop(message) {
  exit("Deep-Z: " + message);
}

// ---- end of options
