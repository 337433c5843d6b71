// Deep-Z Prepare: alignment, extended depth of field and normalization of a z-stack, as in the paper.
//
// Works on a copy of the active stack (8 or 16 bits). "deepz-zoo prepare" does the same to files, and
// makes training data of them.
//   1. StackReg aligns the planes, from the current slice outward;
//   2. Extended Depth of Field (EDF) fuses the sharp parts of all planes into one image;
//   3. the triangle threshold of that image separates background and foreground; the mean of the
//      background is subtracted from every plane, which is divided by the level that 1 % of the
//      foreground exceeds.
// Opens the normalized stack (32 bit) and the EDF image, calibrated as the stack.
// Needs the plugins StackReg and EDF, which come from the update site BIG-EPFL.
//
// From the menu it opens a dialog. In a macro, as the Recorder writes it:
//
//   run("Deep-Z Prepare", "transformation=[Rigid Body] quality=4");
//
// Options
//   transformation=NAME  Translation, [Rigid Body], [Scaled Rotation], Affine or None
//   quality=N            of EDF, 0 to 4; 4 is complex wavelets, as in the paper
//   edf_seconds=N        the time limit for EDF, 1800 by default
//   input=PATH           open this file first
//   output=PATH          write the normalized stack as TIFF too

given = readOptions("transformation quality edf_seconds input output");
if (has("input")) open(List.get("input"));
if (nImages == 0) stop("open the z-stack first");
if (bitDepth() != 8 && bitDepth() != 16)
  stop("\"" + getTitle() + "\" has " + bitDepth() + " bit; expected a stack of 8 or 16 bit");
getDimensions(width, height, channels, slices, frames);
if (channels > 1 || frames > 1 || slices < 2)
  stop("\"" + getTitle() + "\" has " + channels + " channels, " + slices + " slices and " + frames + " frames;\nexpected one z-stack: split or duplicate it first");
stackReg = commandOf("StackReg_", "StackReg");
turboReg = commandOf("TurboReg_", "TurboReg, which StackReg uses,");
edf = commandOf("EDF_Easy_", "Extended Depth of Field");
if (isOpen("Output")) stop("close or rename the image \"Output\" first; EDF gives its result this title");
if (!given && !isHeadless()) ask();

title = File.getNameWithoutExtension(getTitle());
current = getSliceNumber();
stack = copyOf(getImageID(), "aligned", bitDepth());
setSlice(current);
transformation = option("transformation", "Rigid Body");
if (transformation != "None") {
  showStatus("Deep-Z: StackReg ...");
  run(stackReg, "transformation=[" + transformation + "]");
}
quality = option("quality", "4");
makeEdf(stack, edf, quality, number("edf_seconds", 1800));
rename(title + "_EDF");
scale = intensityScale();
normalized = copyOf(stack, title + "_normalized", 32);
calculate("Subtract stack", normalized, scale[0]);
calculate("Divide stack", normalized, scale[1]);
selectImage(stack);
close();
selectImage(normalized);
setMinAndMax(0, 1);
print("background " + d2s(scale[0], 3) + ", scale " + d2s(scale[1], 3));
if (has("output")) {
  save(List.get("output"));
  rename(title + "_normalized");
}
showStatus("");
return d2s(scale[0], 6) + " " + d2s(scale[1], 6);

// Returns the menu label of a class; labels differ between releases.
function commandOf(className, name) {
  commands = "" + call("ij.Menus.getCommands");
  found = "";
  if (startsWith(commands, "{")) {
    entries = split(substring(commands, 1, lengthOf(commands) - 1), "(, )");
    for (i = 0; i < entries.length; i++) {
      equals = lastIndexOf(entries[i], "=");
      value = substring(entries[i], equals + 1);
      if (equals > 0 && startsWith(value, className)) found = substring(entries[i], 0, equals);
    }
  }
  if (found == "")
    stop(name + " is not installed; in Fiji: Help > Update... > Manage Update Sites,\ntick BIG-EPFL, apply and restart");
  return found;
}

// Returns a copy of a stack, with its calibration. (The commands Duplicate and Math would open a
// dialog, which fails without a display.)
function copyOf(stack, title, bits) {
  selectImage(stack);
  getVoxelSize(width, height, depth, unit);
  newImage(title, "" + bits + "-bit black", getWidth(), getHeight(), nSlices);
  copy = getImageID();
  imageCalculator("Copy stack", copy, stack);
  selectImage(copy);
  setVoxelSize(width, height, depth, unit);
  return copy;
}

// Calculates with every pixel of a 32-bit stack and one value.
function calculate(operation, stack, value) {
  selectImage(stack);
  newImage("value", "32-bit black", getWidth(), getHeight(), 1);
  constant = getImageID();
  setColor(value);
  fillRect(0, 0, getWidth(), getHeight());
  imageCalculator(operation, stack, constant);
  selectImage(constant);
  close();
}

// Runs EDF on a stack and selects its result. The command comes back at once, and opens an image
// called "Output" when it is done.
function makeEdf(stack, command, quality, seconds) {
  selectImage(stack);
  getVoxelSize(width, height, depth, unit);
  run(command, "quality='" + quality + "' topology='0' show-topology='off' show-view='off'");
  end = getTime() + 1000 * seconds;
  while (!isOpen("Output")) {
    showStatus("Deep-Z: Extended Depth of Field ...");
    if (!isOpen(stack)) stop("the stack was closed before EDF was done");
    if (getTime() > end) stop("EDF opened no image within " + seconds + " s; look for its message in the Log or the Console");
    wait(100);
  }
  selectImage("Output");
  setVoxelSize(width, height, 1, unit);
}

// Returns background and scale of the active image, whose pixels are integers.
function intensityScale() {
  getStatistics(area, mean, least, greatest);
  if (least == greatest) return newArray(least, 1);
  levels = greatest - least + 1;
  getHistogram(values, counts, levels, least - 0.5, greatest + 0.5);
  threshold = triangle(counts);
  pixels = 0;
  sum = 0;
  for (i = 0; i <= threshold; i++) {
    pixels += counts[i];
    sum += counts[i] * (least + i);
  }
  background = sum / pixels;
  above = 0;
  spared = floor(0.01 * (getWidth() * getHeight() - pixels));
  for (i = levels - 1; above <= spared; i--) {
    above += counts[i];
    bright = least + i;
  }
  return newArray(background, bright - background);
}

// Returns the level farthest from the line between the histogram's peak and the end of its long tail
// (Zack et al. 1977); counts begin and end with levels that occur.
function triangle(counts) {
  n = counts.length;
  peak = 0;
  for (i = 1; i < n; i++) if (counts[i] > counts[peak]) peak = i;
  toTheRight = peak < n - 1 - peak;
  if (toTheRight) {
    counts = Array.reverse(Array.copy(counts)); // reverse() changes the array itself
    peak = n - 1 - peak;
  }
  norm = sqrt(counts[peak] * counts[peak] + peak * peak);
  best = 0;
  farthest = -1e300;
  for (i = 0; i < peak; i++) {
    distance = (counts[peak] / norm) * i - (peak / norm) * counts[i];
    if (distance > farthest) {
      farthest = distance;
      best = i;
    }
  }
  if (toTheRight) return n - 1 - best;
  return best;
}

function ask() {
  transformations = newArray("Translation", "Rigid Body", "Scaled Rotation", "Affine", "None");
  qualities = newArray("0", "1", "2", "3", "4");
  Dialog.create("Deep-Z Prepare");
  Dialog.addChoice("Transformation of StackReg", transformations, "Rigid Body");
  Dialog.addChoice("Quality of EDF (4: complex wavelets)", qualities, "4");
  Dialog.show();
  List.set("transformation", Dialog.getChoice());
  List.set("quality", Dialog.getChoice());
}

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
