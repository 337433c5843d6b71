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
// Needs the plugins StackReg and EDF, which come from the update site BIG-EPFL. EDF's menu command opens
// a dialog of its own; without a display the program deepz-zoo calls the plugin by its class instead.
//
// From the menu it opens a dialog. In a macro, as the Recorder writes it:
//
//   run("Deep-Z Prepare", "transformation=[Rigid Body] quality=4");
//
// Options
//   transformation=NAME  Translation, [Rigid Body], [Scaled Rotation], Affine or None
//   quality=N            of EDF, 0 to 4; 4 is complex wavelets, as in the paper
//   edf_seconds=N        the time limit for EDF, 1800 by default
//   program=PATH         the program deepz-zoo, if it is not found; used without a display only
//   input=PATH           open this file first
//   output=PATH          write the normalized stack as TIFF too

given = readOptions("transformation quality edf_seconds input output program");
if (has("input")) open(List.get("input"));
if (nImages == 0) stop("open the z-stack first");
if (bitDepth() != 8 && bitDepth() != 16)
  stop("\"" + getTitle() + "\" has " + bitDepth() + " bit; expected a stack of 8 or 16 bit");
getDimensions(width, height, channels, slices, frames);
if (channels > 1 || frames > 1 || slices < 2)
  stop("\"" + getTitle() + "\" has " + channels + " channels, " + slices + " slices and " + frames + " frames;\nexpected one z-stack: split or duplicate it first");
stackReg = commandOf("StackReg_", "StackReg");
turboReg = commandOf("TurboReg_", "TurboReg, which StackReg uses,");
edf = "";
if (!isHeadless()) edf = commandOf("EDF_Easy_", "Extended Depth of Field");
if (isOpen("Output")) stop("close or rename the image \"Output\" first; EDF gives its result this title");
if (!given && !isHeadless()) ask();

program = "";
if (edf == "") program = findProgram();
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
if (edf == "") makeEdfByClass(stack, program, quality);
else makeEdf(stack, edf, quality, number("edf_seconds", 1800));
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

// Lets the program deepz-zoo run EDF on a stack by the plugin's class, in this ImageJ's installation, and
// opens the result.
function makeEdfByClass(stack, program, quality) {
  selectImage(stack);
  getVoxelSize(width, height, depth, unit);
  path = temporaryName();
  aligned = path + "_aligned.tif";
  result = path + "_edf.tif";
  save(aligned);
  words = newArray("fiji", "edf", aligned, "-o", result, "--format", "imagej", "--axes", "zyx", "--quality", quality);
  folder = getDirectory("imagej");
  if (File.exists(folder + "ij.jar") || File.isDirectory(folder + "jars")) words = Array.concat(words, "--fiji", folder);
  printWarnings(runProgram(program, words, newArray(aligned)));
  open(result);
  deleteFile(result);
  run("32-bit"); // as the plugin's own image
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

// ---- program: the same in every macro that calls deepz-zoo

// Returns the path of deepz-zoo: the option "program", the path last chosen, or a usual place.
function findProgram() {
  path = option("program", "");
  if (has("program") && !File.exists(path)) stop("program=" + path + ": there is no such file");
  if (has("program")) return path;
  places = newArray(3);
  places[0] = call("ij.Prefs.get", "deepz.program", "");
  home = replace(getDirectory("home"), "\\", "/");
  if (startsWith(getInfo("os.name"), "Windows")) {
    places[1] = firstLine(exec("where", "deepz-zoo"));
    names = newArray("miniforge3/Scripts/", "miniconda3/Scripts/", "anaconda3/Scripts/");
    for (i = 0; i < names.length; i++) places = Array.concat(places, home + names[i] + "deepz-zoo.exe");
  } else {
    places[1] = firstLine(exec("which", "deepz-zoo"));
    names = newArray(".local/", "miniforge3/", "miniconda3/", "anaconda3/");
    for (i = 0; i < names.length; i++) places = Array.concat(places, home + names[i] + "bin/deepz-zoo");
    places = Array.concat(places, "/usr/local/bin/deepz-zoo", "/opt/homebrew/bin/deepz-zoo");
  }
  for (i = 0; i < places.length; i++)
    if (isProgram(places[i])) return places[i];
  if (isHeadless())
    stop("the program deepz-zoo was not found; install it (pip install deepz-zoo), or name it with program=PATH");
  path = File.openDialog("Where is the program deepz-zoo? (in a terminal: which deepz-zoo)");
  call("ij.Prefs.set", "deepz.program", path);
  return path;
}

function isProgram(path) {
  if (indexOf(path, "deepz-zoo") < 0) return false;
  if (File.exists(path)) return true;
  return false;
}

function firstLine(text) {
  lines = split(text, "\n");
  if (lines.length == 0) return "";
  return lines[0];
}

// Runs deepz-zoo, deletes its input files and returns the lines that it printed. The program returns at
// once and goes on in the background, for as long as a file in a folder that it shares with this macro
// changes: exec() would wait for it, deaf to Esc. The folder then holds what the program printed,
// errors and exit code too.
function runProgram(program, words, files) {
  folder = "" + temporaryName() + "_run";
  File.makeDirectory(folder);
  File.saveString(String.join(files, "\n"), folder + "/inputs.txt");
  File.saveString("", folder + "/alive");
  code = "return exec(" + quoted(program) + ", '--background', " + quoted(folder);
  for (i = 0; i < words.length; i++) code = code + ", " + quoted(words[i]);
  answer = eval(code + ");");
  if (endsWith(answer, "exit 0\n")) answer = waitForAnswer(folder);
  deleteFile(folder + "/alive");
  deleteFile(folder + "/inputs.txt");
  deleteFile(folder + "/answer.txt");
  deleteFile(folder);
  for (i = 0; i < files.length; i++) deleteFile(files[i]);
  lines = split("\n" + answer, "\n"); // the first one is empty
  last = lines.length - 1;
  if (!matches(lines[last], "exit \\d+"))
    stop(program + " did not work (" + shortened(answer) + ");\nrun it in a terminal to see why: deepz-zoo list");
  if (lines[last] != "exit 0") {
    if (lines[last - 1] == "") stop("deepz-zoo ended with " + lines[last]);
    stop(shortened(replace(lines[last - 1], "^(Error|Failed): ", "")));
  }
  return Array.slice(lines, 1, last);
}

// Waits for what the program printed. Esc ends the loop, which is a macro of its own: ImageJ reports an
// exception where it ends one inside of a function.
function waitForAnswer(folder) {
  path = folder + "/answer.txt";
  finished = eval("turns = ''; while (!File.exists(" + quoted(path) + ")) { wait(50); turns = turns + '.';" +
    "if (lengthOf(turns) > 100) turns = ''; File.saveString(turns, " + quoted(folder + "/alive") + "); }");
  // a blank line comes first, since ImageJ takes a file that begins with "Error:" for an error of its own
  if (File.exists(path)) return substring(File.openAsString(path), 1);
  deleteFile(folder + "/alive");
  showStatus("Deep-Z: stopped");
  exit;
}

function quoted(text) {
  if (indexOf(text, "\"") >= 0) stop("there is a quotation mark in " + text + "; rename it");
  return "\"" + replace(text, "\\", "/") + "\""; // Windows takes both slashes
}

function shortened(text) {
  if (lengthOf(text) > 500) text = substring(text, 0, 500) + " ...";
  return text;
}

// Writes a copy of the active image, whose title, path and unsaved state do not change.
function saveCopy(path) {
  if (isHeadless()) {
    save(path);
    return;
  }
  batch = is("Batch Mode");
  id = getImageID();
  selected = selectionType() >= 0;
  if (selected) run("Select None");
  setBatchMode(true);
  run("Duplicate...", "title=deepz_copy duplicate");
  saveAs("Tiff", path);
  close();
  selectImage(id);
  if (selected) run("Restore Selection");
  setBatchMode(batch);
}

function temporaryName() {
  return getDirectory("temp") + "deepz_" + d2s(getTime(), 0) + "_" + d2s(random() * 1e9, 0);
}

function deleteFile(path) {
  if (File.exists(path)) deleted = File.delete(path);
}

// Prints the program's warnings, the first twenty of them.
function printWarnings(lines) {
  shown = 0;
  for (i = 0; i < lines.length && shown < 20; i++) {
    if (startsWith(lines[i], "Warning:")) {
      print(shortened(lines[i]));
      shown++;
    }
  }
}

// ---- end of program

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
