// Deep-Z Make DPM: draws the surface to refocus onto, the digital propagation matrix (DPM).
//
// The DPM holds the distance of the surface from the plane of the image at each pixel, in micrometers
// as 32-bit values; + is the direction of increasing stage z. It gets the size and the pixel size of the
// active image. Give it to Deep-Z Refocus Surface or Deep-Z deepImageJ as height_map=DPM or dpm=DPM.
//
// From the menu it opens a dialog. In a macro, as the Recorder writes it:
//
//   run("Deep-Z Make DPM", "surface=formula formula=[0.02*x + 3*sin(2*PI*y/100)]");
//   run("Deep-Z Make DPM", "surface=[three points] points=[20,30,-2 400,40,1.5 200,380,0]");
//   run("Deep-Z Make DPM", "surface=[height map] um_per_level=0.05 offset=-3");
//
// Options
//   surface=KIND      formula, [three points] or [height map]
//   formula=Z         z in micrometers, of x (to the right) and y (down) in micrometers from the center
//   points=[X,Y,Z ..] three points on a plane: X and Y in pixels, Z in micrometers
//   um_per_level=UM   height of one grey level of the active image; 1 if that is in micrometers
//   offset=UM         added everywhere
//   pixel_size=UM     where the active image has none
//   input=PATH        open this file first
//   output=PATH       write this TIFF too

given = readOptions("surface formula points um_per_level offset pixel_size input output");
if (has("input")) open(List.get("input"));
if (nImages == 0) stop("open the image that the surface belongs to first");
if (bitDepth() == 24) stop("\"" + getTitle() + "\" is a color image; expected one of grey levels");
id = getImageID();
if (!given && !isHeadless()) ask();
if (!isOpen(id)) stop("the image was closed before its surface was drawn");
selectImage(id);

surface = option("surface", "");
offset = number("offset", 0);
pixel = pixelSizeUm();
if (surface == "formula") z = option("formula", "");
else if (surface == "three points") z = planeThrough(option("points", ""));
else if (surface == "height map") z = "heights[j * w + i] * " + d2s(number("um_per_level", 1), 9);
else stop("surface=" + surface + ": expected formula, [three points] or [height map]");
if (surface == "formula") checkFormula(z);
if (pixel == 0) stop("\"" + getTitle() + "\" has no pixel size; give it with pixel_size=UM");
makeDpm(z, offset, pixel);
getStatistics(area, mean, least, greatest);
if (isNaN(mean) || greatest - least > 1e6 || isNaN(greatest - least)) {
  close();
  stop(z + " is not a number at every pixel, or is too large");
}
print("DPM from " + d2s(least, 2) + " to " + d2s(greatest, 2) + " " + fromCharCode(181) + "m");
if (has("output")) {
  save(List.get("output"));
  rename("DPM");
}
output = option("output", "");
return output;

// Creates the image. eval() runs the whole loop with the expression in it, which is much faster than
// an eval() per pixel. Numbers become text by d2s(); string concatenation would lose digits.
function makeDpm(z, offset, pixel) {
  w = getWidth();
  h = getHeight();
  code = "w = " + w + "; h = " + h + "; pixel = " + d2s(pixel, 9) + "; heights = newArray(w * h);" +
    "for (j = 0; j < h; j++) for (i = 0; i < w; i++) heights[j * w + i] = getPixel(i, j);" +
    "newImage('DPM', '32-bit black', w, h, 1);" +
    "for (j = 0; j < h; j++) { y = (j - (h - 1) / 2) * pixel;" +
    "for (i = 0; i < w; i++) { x = (i - (w - 1) / 2) * pixel; setPixel(i, j, " + z + " + " + d2s(offset, 9) + "); } } return '' + getImageID();";
  made = parseFloat(eval(code));
  if (isNaN(made)) stop(z + ": ImageJ cannot calculate this");
  selectImage(made);
  setVoxelSize(pixel, pixel, 1, "um");
  setMetadata("Label", "DPM in " + fromCharCode(181) + "m");
  resetMinAndMax();
}

// Refuses anything but a formula before it becomes part of a macro.
function checkFormula(text) {
  if (!matches(text, "[-+*/%0-9A-Za-z_., ()]+"))
    stop("formula=" + text + ": expected an expression of x and y, such as 0.02*x + 3*sin(2*PI*y/100)");
}

// Returns the plane through three points as an expression of the pixel indices i, j.
function planeThrough(text) {
  numbers = split(text, " ,;");
  if (numbers.length != 9) stop("points=" + text + ": expected X,Y,Z of three points, X and Y in pixels");
  p = newArray(9);
  for (k = 0; k < 9; k++) {
    p[k] = parseFloat(numbers[k]);
    if (isNaN(p[k])) stop("points=" + text + ": " + numbers[k] + " is not a number");
  }
  ux = p[3] - p[0]; uy = p[4] - p[1]; uz = p[5] - p[2];
  vx = p[6] - p[0]; vy = p[7] - p[1]; vz = p[8] - p[2];
  area = ux * vy - uy * vx;
  if (abs(area) < 1) stop("points=" + text + ": the three points lie on a line");
  slopeX = (uz * vy - vz * uy) / area;
  slopeY = (ux * vz - vx * uz) / area;
  atOrigin = p[2] - p[0] * slopeX - p[1] * slopeY;
  return d2s(atOrigin, 9) + " + i * " + d2s(slopeX, 9) + " + j * " + d2s(slopeY, 9);
}

function ask() {
  um = fromCharCode(181) + "m";
  surfaces = newArray("formula", "three points", "height map");
  Dialog.create("Deep-Z Make DPM");
  Dialog.addRadioButtonGroup("Surface", surfaces, 1, 3, surfaces[0]);
  Dialog.addString("Formula of x and y (" + um + " from the center)", "0.02*x", 24);
  Dialog.addNumber("Um_per_level of the height map", 1, 4, 8, um);
  Dialog.addNumber("Offset", 0, 2, 8, um);
  Dialog.addNumber("Pixel_size (0: the image's own)", 0, 4, 8, um);
  Dialog.show();
  List.set("surface", Dialog.getRadioButton());
  List.set("formula", Dialog.getString());
  List.set("um_per_level", "" + Dialog.getNumber());
  List.set("offset", "" + Dialog.getNumber());
  List.set("pixel_size", "" + Dialog.getNumber());
  surface = List.get("surface");
  if (surface == "three points") askForPoints();
}

function askForPoints() {
  um = fromCharCode(181) + "m";
  id = getImageID();
  if (selectionType() != 10) {
    setTool("multipoint");
    waitForUser("Deep-Z Make DPM", "Click three points with known distances, then OK.");
  }
  if (!isOpen(id)) stop("the image was closed before its points were taken");
  selectImage(id);
  if (selectionType() != 10) stop("expected three points made with the multi-point tool");
  getSelectionCoordinates(x, y);
  if (x.length != 3) stop("found " + x.length + " points; expected three");
  places = "";
  for (k = 0; k < 3; k++) places = places + d2s(x[k], 1) + "," + d2s(y[k], 1) + ",0 ";
  Dialog.create("Deep-Z Make DPM");
  Dialog.addMessage("Replace the 0 after each point by its distance in " + um + ".");
  Dialog.addString("Points (X,Y,Z)", places, 40);
  Dialog.show();
  List.set("points", Dialog.getString());
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
