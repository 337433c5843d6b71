/** One image under one model, with the planes that were computed already. */

import type { Image } from "./image";
import type { Model } from "./models";
import type { Network } from "./network";
import { aim, type Mismatch, prepare, type Prepared, refocus } from "./refocus";
import type { Surface } from "./surface";

const MAX_KEPT_PIXELS = 2 ** 26; // 256 MB

export class Session {
  private prepared: Prepared;
  private kept = new Map<string, Float32Array<ArrayBuffer>>();

  constructor(
    private network: Network,
    readonly image: Image,
    readonly model: Model,
    mismatch: Mismatch,
  ) {
    this.prepared = prepare(image, model, mismatch);
  }

  get pixelUm(): number {
    return this.prepared.pixelUm;
  }

  warnings(surface: Surface, clip: boolean): string[] {
    return [...this.prepared.warnings, ...aim(this.prepared, surface, this.model, clip).warnings];
  }

  /** Whether a plane is there without computing. */
  has(surface: Surface, clip: boolean): boolean {
    return this.kept.has(key(surface, clip));
  }

  async plane(surface: Surface, clip: boolean): Promise<Float32Array<ArrayBuffer>> {
    const name = key(surface, clip);
    const known = this.kept.get(name);
    if (known) return known;
    const target = aim(this.prepared, surface, this.model, clip);
    const plane = await refocus(this.network, this.prepared, target);
    this.kept.set(name, plane);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size * plane.length <= MAX_KEPT_PIXELS) break;
      if (oldest !== name) this.kept.delete(oldest);
    }
    return plane;
  }
}

function key({ kind, depthUm, degrees, diameterUm, axis }: Surface, clip: boolean): string {
  const shape = { plane: "", tilt: `${degrees} ${axis}`, cylinder: `${diameterUm} ${axis}` }[kind];
  return `${kind} ${depthUm} ${shape} ${clip}`;
}
