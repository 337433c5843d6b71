// Deep-Z Refocus: the active image on other planes, refocused by the program deepz-zoo.
//
// Takes an image or a time series of any size with 8, 16 or 32 bits; of several channels or planes,
// the current one. Opens a calibrated plane, or a stack with z in its slice labels. z is the distance from
// the plane of the image in micrometers; + is the direction of increasing stage z.
//
// From the menu it opens a dialog. In a macro, as the Recorder writes it:
//
//   run("Deep-Z Refocus", "model=leica20x_0.8/TxRd z=-10:10:0.5");
//
// Options
//   model=OBJECTIVE/CHANNEL  one of those that "deepz-zoo list" shows as trained
//   weights=PATH             a model of your own (best.safetensors) instead
//   z=UM                     a distance 5, a list -5,0,5 or a range -10:10:0.5
//   pixel_size=UM            where the image has no pixel size, or a wrong one
//   resample                 where the pixel size is not the model's (or ignore_pixel_size: go on)
//   clip                     move distances outside the model's range to its limit
//   keep_type                8 or 16 bit as the image has, instead of 32
//   slices_are_frames        the slices of a z-stack are a time series
//   input=PATH               read this file, not the active image (with plane=N, input_channel=N)
//   engine=NAME, precision=NAME  what runs the network, see: deepz-zoo engines
//   output=PATH              write this TIFF; without a display it is not opened then
//   overwrite                replace that file if it exists
//   program=PATH             the program deepz-zoo, if it is not found

given = readOptions("model weights z pixel_size resample ignore_pixel_size clip keep_type slices_are_frames input plane input_channel engine precision output overwrite program");
if (!has("input")) checkImage();
program = findProgram();
if (!given && !isHeadless()) ask(program);
if (!has("z")) stop("no distance named; expected z=5, z=-5,0,5 or z=-10:10:0.5, in micrometers");
z = option("z", "");
output = refocus(program, newArray("--z", z), newArray(0));
return output;

function ask(program) {
  models = listModels(program);
  Dialog.create("Deep-Z Refocus");
  Dialog.addChoice("Model", models, call("ij.Prefs.get", "deepz.model", models[0]));
  Dialog.addString("Z (" + fromCharCode(181) + "m)", call("ij.Prefs.get", "deepz.z", "-10:10:1"), 16);
  Dialog.addMessage("A distance 5, a list -5,0,5 or a range -10:10:0.5;\n+ is the direction of increasing stage z.");
  addCommonFields();
  Dialog.show();
  List.set("model", Dialog.getChoice());
  List.set("z", replace(Dialog.getString(), " ", ""));
  readCommonFields();
  call("ij.Prefs.set", "deepz.model", List.get("model"));
  call("ij.Prefs.set", "deepz.z", List.get("z"));
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

// ---- refocusing: the same in every macro that refocuses by deepz-zoo

// Returns the names of the trained models.
function listModels(program) {
  showStatus("Deep-Z: asking deepz-zoo for its models ...");
  names = runProgram(program, newArray("list", "--names"), newArray(0));
  if (names.length == 0 || names[0] == "")
    stop("deepz-zoo has no trained model; name your own weights with weights=PATH");
  return names;
}

// Returns the words that select the channel and plane of the active image, or its frames.
function chosenPlane() {
  words = newArray(0);
  getDimensions(width, height, channels, slices, frames);
  Stack.getPosition(channel, slice, frame);
  if (slices > 1 && frames == 1 && has("slices_are_frames")) {
    axes = "tyx";
    if (channels > 1) axes = "tcyx";
    words = Array.concat(words, "--axes", axes);
  } else if (slices > 1) {
    words = Array.concat(words, "--plane", d2s(slice, 0));
  }
  if (channels > 1) words = Array.concat(words, "--input-channel", d2s(channel, 0));
  return words;
}

// Stops unless the active image can be refocused.
function checkImage() {
  if (nImages == 0) stop("open the image to refocus first, or name its file with input=PATH");
  if (bitDepth() == 24)
    stop("\"" + getTitle() + "\" is a color image; split its channels (Image > Color > Split Channels) and take one");
}

// Refocuses the active image, or the file of the option "input", onto the target that the words
// describe. The files are deleted afterwards. Returns the path of the result, or "" if it was not kept.
function refocus(program, target, files) {
  if (!has("model") && !has("weights"))
    stop("no model named; expected model=OBJECTIVE/CHANNEL, see: deepz-zoo list");
  low = 0;
  high = 0;
  temporary = temporaryName();
  input = option("input", "");
  title = File.getNameWithoutExtension(input);
  words = newArray("refocus");
  if (!has("input")) {
    title = File.getNameWithoutExtension(getTitle());
    getMinAndMax(low, high);
    plane = chosenPlane();
    words = Array.concat(words, plane);
    input = temporary + "_image.tif";
    saveCopy(input);
    files = Array.concat(files, input);
  }
  output = option("output", temporary + "_result.tif");
  words = Array.concat(words, input, "-o", output, "--format", "imagej", target);
  words = addValues(words, newArray("weights", "pixel_size", "plane", "input_channel", "engine", "precision"));
  words = addFlags(words, newArray("resample", "ignore_pixel_size", "clip", "keep_type", "overwrite"));
  model = option("model", "");
  if (!has("weights")) words = Array.concat(words, "--objective", model);

  showStatus("Deep-Z: refocusing " + title + " ...");
  printWarnings(runProgram(program, words, files));
  if (!has("output") || !isHeadless()) showResult(output, title + "_refocused", low, high);
  showStatus("");
  if (has("output")) return output;
  deleteFile(output);
  return "";
}

// Adds the given options to the words of a command; 0 stands for none.
function addValues(words, keys) {
  for (i = 0; i < keys.length; i++) {
    value = option(keys[i], "0");
    word = "--" + replace(keys[i], "_", "-");
    if (parseFloat(value) != 0) words = Array.concat(words, word, value); // also text, which is NaN
  }
  return words;
}

function addFlags(words, keys) {
  for (i = 0; i < keys.length; i++)
    if (has(keys[i])) words = Array.concat(words, "--" + replace(keys[i], "_", "-"));
  return words;
}

// Opens the result with the display range of its image.
function showResult(path, title, low, high) {
  open(path);
  rename(title);
  getDimensions(width, height, channels, slices, frames);
  middle = floor(slices / 2) + 1;
  if (slices > 1 && frames > 1) Stack.setSlice(middle);
  else if (slices > 1) setSlice(middle);
  if (high > low) setMinAndMax(low, high);
  else resetMinAndMax();
}

// The fields that the dialogs of these macros have in common.
function addCommonFields() {
  Dialog.addNumber("Pixel_size (0: the image's own)", 0, 4, 8, fromCharCode(181) + "m");
  Dialog.addCheckbox("Resample if the pixel size is not the model's", false);
  Dialog.addCheckbox("Clip distances outside the model's range", false);
  Dialog.addCheckbox("Keep_type (8 or 16 bit, as the image)", false);
  Dialog.addCheckbox("Slices_are_frames of a time series", false);
}

function readCommonFields() {
  List.set("pixel_size", "" + Dialog.getNumber());
  flags = newArray("resample", "clip", "keep_type", "slices_are_frames");
  for (i = 0; i < flags.length; i++)
    if (Dialog.getCheckbox()) List.set(flags[i], "true");
}

// ---- end of refocusing

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
