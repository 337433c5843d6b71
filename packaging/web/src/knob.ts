/** A knob to turn, by pointer, wheel or keys: a dial drawn over a slider. */

const SWEEP_DEG = 270; // from its lowest value to its highest
const PX_PER_TURN = 300; // of dragging, from lowest to highest

export class Knob {
  private slider: HTMLInputElement;
  private shown: HTMLElement;
  private dial: HTMLElement;
  private values: number[] = [0];

  /** `root` holds an input of type range and elements of the classes dial and value. */
  constructor(
    root: HTMLElement,
    private text: (value: number) => string,
    changed: () => void,
  ) {
    this.slider = root.querySelector("input")!;
    this.shown = root.querySelector(".value")!;
    this.dial = root.querySelector(".dial")!;
    this.slider.addEventListener("input", () => {
      this.show();
      changed();
    });
    this.dial.addEventListener("pointerdown", (down) => this.drag(down));
    this.dial.addEventListener("wheel", (event) => this.turn(event), { passive: false });
  }

  get value(): number {
    return this.values[this.slider.valueAsNumber];
  }

  set value(wanted: number) {
    const nearest = this.values.reduce((best, value, i) =>
      Math.abs(value - wanted) < Math.abs(this.values[best] - wanted) ? i : best, 0);
    this.slider.value = String(nearest);
    this.show();
  }

  /** Take the values that the knob turns through, in ascending order. */
  setValues(values: number[], value: number) {
    this.values = values;
    this.slider.min = "0";
    this.slider.max = String(values.length - 1);
    this.slider.step = "1";
    this.value = value;
  }

  /** Turn by a wheel. */
  turn(event: WheelEvent) {
    event.preventDefault();
    this.move(this.slider.valueAsNumber - Math.sign(event.deltaY));
  }

  private drag(down: PointerEvent) {
    down.preventDefault();
    this.slider.focus();
    this.dial.setPointerCapture(down.pointerId);
    const start = this.slider.valueAsNumber;
    const follow = (event: PointerEvent) => {
      const px = event.clientX - down.clientX - (event.clientY - down.clientY);
      this.move(start + Math.round((px / PX_PER_TURN) * (this.values.length - 1)));
    };
    this.dial.addEventListener("pointermove", follow);
    this.dial.addEventListener(
      "lostpointercapture",
      () => this.dial.removeEventListener("pointermove", follow),
      { once: true },
    );
  }

  private move(index: number) {
    const before = this.slider.value;
    this.slider.value = String(index); // kept in its range by the browser
    if (this.slider.value !== before) this.slider.dispatchEvent(new Event("input"));
  }

  private show() {
    const fraction = this.slider.valueAsNumber / Math.max(this.values.length - 1, 1);
    this.dial.style.setProperty("--turn", `${(fraction - 0.5) * SWEEP_DEG}deg`);
    const text = this.text(this.value);
    this.shown.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
  }
}
