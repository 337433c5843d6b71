/** The page: what was opened and how the knobs stand becomes what is shown. */

import { writeGif } from "./gif";
import { extent, four, type Image, UserError } from "./image";
import { Knob } from "./knob";
import { loadModels, type Model } from "./models";
import { Network } from "./network";
import { type Stack, writeOmeTiff } from "./ometiff";
import { type Opened, openFile } from "./read";
import type { Mismatch } from "./refocus";
import { Session } from "./session";
import { type Axis, signed, type Surface } from "./surface";
import { autoContrast, type Contrast, draw, drawHistogram, greys } from "./view";
import { TOLERANCE } from "./warnings";

const SWEEP_PLANES = 21;
const SWEEP_MS = 120;
const MAX_TILT_DEG = 15;

function get<T extends HTMLElement = HTMLInputElement>(id: string): T {
  return document.getElementById(id) as T;
}

const canvases = { input: get<HTMLCanvasElement>("input"), refocused: get<HTMLCanvasElement>("refocused") };
const modelMenu = get<HTMLSelectElement>("model");
const axisMenu = get<HTMLSelectElement>("axis");
const mismatchMenu = get<HTMLSelectElement>("mismatch");
const depth = new Knob(get("depth"), (um) => (um ? `${signed(um)} µm` : "0 µm"), update);
const tilt = new Knob(get("tilt"), (degrees) => `${degrees}°`, update);
const diameter = new Knob(get("cylinder"), (um) => `${um} µm`, update);

const network = new Network();
// “?engine=wasm” leaves WebGPU aside.
const wantedEngine = new URLSearchParams(location.search).get("engine") ?? "auto";
let models: Model[] = [];
let engine = "";
let opened: Opened | undefined;
let image: Image | undefined;
let session: Session | undefined;
let shown: Float32Array<ArrayBuffer> | undefined;
let contrast: Contrast = [0, 1];
let contrastRange: Contrast = [0, 1];
let updating = false;
let again = false;
let playing = false;

function say(text: string, busy = false) {
  get("status").textContent = text;
  document.body.classList.toggle("busy", busy);
}

/** Run what a user asked for; what went wrong becomes a line on the page. */
async function attempt(work: () => Promise<void>) {
  get("message").textContent = "";
  try {
    await work();
  } catch (error) {
    const memory = /memory|alloc|OOM/i.test(`${error}`) && !(error instanceof UserError);
    get("message").textContent = memory
      ? "The browser has not enough memory for this image: crop it, or use “deepz-zoo refocus”."
      : (error as Error).message;
    say("");
    if (!(error instanceof UserError)) console.error(error);
  }
}

// ------------------------------------------------------------------------------- model and image

async function start() {
  models = await loadModels();
  modelMenu.replaceChildren(...models.map((model) => new Option(model.name)));
  await takeModel();
}

function currentModel(): Model {
  return models[modelMenu.selectedIndex];
}

async function takeModel() {
  const model = currentModel();
  say(`Loading ${model.name} …`, true);
  session = undefined;
  get("provenance").textContent = `${model.name}: ${model.provenance}`;
  const fraction = (percent: number) => (model.zRangeUm * percent) / 100;
  depth.setValues(even(-100, 100).map((p) => round(fraction(p))), 0);
  tilt.setValues(even(-10 * MAX_TILT_DEG, 10 * MAX_TILT_DEG).map((d) => d / 10), 1.5);
  const sizes = [2, 3, 4].flatMap((power) => [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7.2, 8].map((n) => round(n * 10 ** power)));
  diameter.setValues([...sizes.map((um) => -um).reverse(), ...sizes], 7200);
  engine = await network.load(model.onnx, wantedEngine);
  say(`${model.name} is ready (${engine}).`);
  await takePixelSize();
}

async function open(file: File) {
  const candidate = await openFile(file);
  await take(candidate, Math.ceil(candidate.planes / 2));
}

async function takePlane() {
  const { value, valueAsNumber: number } = get("plane");
  if (!opened) return;
  if (!(number >= 1 && number <= opened.planes && Number.isInteger(number)))
    throw new UserError(`there is no image “${value}” in the file: choose 1 to ${opened.planes}`);
  await take(opened, number);
}

/** Show an image of a file; where it cannot be read, what is shown stays. */
async function take(file: Opened, number: number) {
  image = await file.read(number - 1, currentModel().maxPixels);
  stop();
  [opened, session, shown] = [file, undefined, undefined];
  const plane = get("plane");
  plane.max = `${file.planes}`;
  plane.value = `${number}`;
  get("plane-row").hidden = file.planes === 1;
  get("pixel").value = image.pixelSizeUm ? `${image.pixelSizeUm}` : "";
  mismatchMenu.value = "refuse";
  contrast = autoContrast(image.pixels);
  contrastRange = widened(image.pixels, contrast);
  get("stage").hidden = false;
  draw(canvases.input, image.pixels, image.width, contrast);
  canvases.refocused.width = 0;
  await takePixelSize();
}

async function takePixelSize() {
  if (!image) return;
  const typed = get("pixel").valueAsNumber;
  image.pixelSizeUm = typed > 0 ? typed : undefined;
  const zoom = (image.pixelSizeUm ?? currentModel().pixelSizeUm) / currentModel().pixelSizeUm;
  get("mismatch-row").hidden = Math.abs(zoom - 1) <= TOLERANCE;
  session = undefined;
  session = new Session(network, image, currentModel(), mismatchMenu.value as Mismatch);
  update();
}

// --------------------------------------------------------------------------------- what is shown

function surface(): Surface {
  const kind = document.querySelector<HTMLInputElement>("[name=kind]:checked")!;
  return {
    kind: kind.value as Surface["kind"],
    depthUm: depth.value,
    degrees: tilt.value,
    diameterUm: diameter.value,
    axis: axisMenu.value as Axis,
  };
}

/** Show the newest wish once what is being computed is there; wishes in between are dropped. */
async function update() {
  again = true;
  if (updating) return;
  updating = true;
  while (again) {
    again = false;
    if (session) await attempt(() => show(session!, surface(), get("clip").checked));
  }
  updating = false;
}

async function show(from: Session, target: Surface, clip: boolean) {
  list(from.warnings(target, clip));
  if (!from.has(target, clip)) say("Refocusing …", true);
  const began = performance.now();
  const known = from.has(target, clip);
  const plane = await from.plane(target, clip);
  if (from !== session) return;
  shown = plane;
  get("swipe-row").hidden = false;
  redraw();
  const ms = Math.round(performance.now() - began);
  const { width, height, name } = from.image;
  const size = `${name}, ${width} × ${height} px, ${four(from.pixelUm)} µm per pixel`;
  say(known ? `${size}.` : `${size}. Refocused in ${(ms / 1e3).toFixed(1)} s (${engine}).`);
  Object.assign(canvases.refocused.dataset, { target: JSON.stringify(target), ms: known ? "" : ms });
}

function redraw() {
  if (!image || !shown) return;
  draw(canvases.input, image.pixels, image.width, contrast);
  draw(canvases.refocused, shown, image.width, contrast);
  drawHistogram(get<HTMLCanvasElement>("histogram"), shown, contrastRange, contrast);
  const [low, high] = contrastRange;
  const place = (value: number) => `${Math.round((1000 * (value - low)) / (high - low))}`;
  [get("black").value, get("white").value] = contrast.map(place);
}

function takeContrast() {
  const [low, high] = contrastRange;
  const value = (id: string) => low + (get(id).valueAsNumber / 1000) * (high - low);
  contrast = [value("black"), value("white")];
  redraw();
}

function list(lines: string[]) {
  const items = lines.map((line) => {
    const item = document.createElement("li");
    item.textContent = `${line}.`;
    return item;
  });
  get("warnings").replaceChildren(...items);
}

// ---------------------------------------------------------------------------- sweep and download

/** The planes of a sweep over the range; each is shown as it comes. */
async function sweep(): Promise<{ zUm: number[]; planes: Float32Array<ArrayBuffer>[] }> {
  const from = session;
  if (!from) throw new UserError("open an image first");
  playing = true;
  const range = from.model.zRangeUm;
  const zUm = even(0, SWEEP_PLANES - 1).map((i) => round(-range + (2 * range * i) / (SWEEP_PLANES - 1)));
  const planes = [];
  for (const depthUm of zUm) {
    say(`Plane ${planes.length + 1} of ${SWEEP_PLANES} …`, true);
    shown = await from.plane({ ...surface(), kind: "plane", depthUm }, false);
    if (!playing || from !== session) throw new Stopped();
    planes.push(shown);
    depth.value = depthUm;
    redraw();
  }
  playing = false;
  return { zUm, planes };
}

class Stopped extends Error {}

async function sweeping(then: (stack: Awaited<ReturnType<typeof sweep>>) => Promise<void>) {
  document.querySelector<HTMLInputElement>("[name=kind][value=plane]")!.checked = true;
  takeKind();
  get("play").textContent = "Stop";
  try {
    await then(await sweep());
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  } finally {
    stop();
    get("play").textContent = "Play the z sweep";
    update();
  }
}

async function play() {
  if (playing) return stop();
  await sweeping(async ({ zUm, planes }) => {
    playing = true;
    say("Playing.");
    for (let i = 0, step = 1; playing && session; i += step) {
      if (i + step < 0 || i + step >= planes.length) step = -step;
      depth.value = zUm[i];
      shown = planes[i];
      redraw();
      await new Promise((resolve) => setTimeout(resolve, SWEEP_MS));
    }
  });
}

function stop() {
  playing = false;
}

function save(blob: Blob, suffix: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${image!.name.replace(/(\.ome)?\.\w+$/, "")}_${suffix}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function describe(what: string): string {
  const { name, provenance } = session!.model;
  return `${image!.name} refocused by Deep-Z with ${name} (${what}). ${provenance}`;
}

function stackOf(planes: Stack["planes"], what: string, zUm?: number[]): Stack {
  const { width, height } = image!;
  return { planes, width, height, pixelSizeUm: session!.pixelUm, zUm, description: describe(what) };
}

async function savePlane() {
  if (!shown || !session) throw new UserError("open an image first");
  const target = surface();
  const what = {
    plane: `z ${signed(target.depthUm)} µm`,
    tilt: `tilt ${target.degrees}° around ${target.axis}, ${signed(target.depthUm)} µm in the center`,
    cylinder: `cylinder ${target.diameterUm} µm along ${target.axis}, apex at ${signed(target.depthUm)} µm`,
  }[target.kind];
  const zUm = target.kind === "plane" ? [target.depthUm] : undefined;
  const plane = await session.plane(target, get("clip").checked);
  save(writeOmeTiff(stackOf([plane], what, zUm)), `${target.kind}.ome.tif`);
}

async function saveStack() {
  await sweeping(async ({ zUm, planes }) =>
    save(writeOmeTiff(stackOf(planes, `z ${zUm[0]} to ${zUm[zUm.length - 1]} µm`, zUm)), "stack.ome.tif"),
  );
}

async function saveGif() {
  await sweeping(async ({ planes }) => {
    const frames = planes.map((plane) => greys(plane, contrast));
    save(writeGif(frames, image!.width, image!.height), "sweep.gif");
  });
}

// ---------------------------------------------------------------------------------------- wiring

function takeKind() {
  const { kind } = surface();
  get("tilt").hidden = kind !== "tilt";
  get("cylinder").hidden = kind !== "cylinder";
  get("axis-row").hidden = kind === "plane";
}

function even(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function round(value: number): number {
  return Number(value.toFixed(6)) + 0; // not -0
}

/** The values of an image, with some room for those of a refocused one. */
function widened(pixels: Float32Array, [, white]: Contrast): Contrast {
  const [low, high] = extent(pixels);
  return [low, Math.max(high, white, low + 1)];
}

function on(id: string, event: string, work: () => Promise<void> | void) {
  get(id).addEventListener(event, () => attempt(async () => work()));
}

on("open", "click", () => get("file").click());
on("file", "change", async () => {
  const file = get("file").files?.[0];
  get("file").value = "";
  if (file) await open(file);
});
on("example", "click", async () => {
  const address = currentModel().example;
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status} ${answer.statusText}`);
  await open(new File([await answer.blob()], address.split("/").pop()!));
});
on("model", "change", takeModel);
on("plane", "change", takePlane);
on("pixel", "change", takePixelSize);
on("mismatch", "change", takePixelSize);
on("axis", "change", update);
on("clip", "change", update);
on("black", "input", takeContrast);
on("white", "input", takeContrast);
on("auto", "click", () => {
  if (shown) contrast = autoContrast(shown);
  redraw();
});
on("swipe", "input", () => {
  get("stage").style.setProperty("--swipe", `${get("swipe").value}%`);
});
on("play", "click", play);
on("save-plane", "click", savePlane);
on("save-stack", "click", saveStack);
on("save-gif", "click", saveGif);
for (const radio of document.querySelectorAll("[name=kind]"))
  radio.addEventListener("change", () => {
    takeKind();
    update();
  });
get("stage").addEventListener("wheel", (event) => depth.turn(event), { passive: false });
for (const name of ["dragover", "dragleave", "drop"] as const)
  window.addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", name === "dragover");
  });
window.addEventListener("drop", (event) => {
  const file = event.dataTransfer?.files[0];
  if (file) attempt(() => open(file));
});

attempt(start);
