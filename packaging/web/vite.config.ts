import { readdirSync, readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** The licenses of the libraries that become a part of the page. */
function licenses(): Plugin {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const shipped = Object.entries<any>(lock.packages).filter(([path, { dev }]) => path && !dev);
  const text = ([path, { version, license }]: [string, any]) => {
    const file = readdirSync(path).find((name) => /^licen[sc]e/i.test(name));
    const terms = file ? readFileSync(`${path}/${file}`, "utf8") : license;
    return `${path.replace(/.*node_modules\//, "")} ${version}\n\n${terms.trim()}\n`;
  };
  return {
    name: "licenses",
    generateBundle() {
      const source = shipped.map(text).join(`\n${"-".repeat(80)}\n\n`);
      this.emitFile({ type: "asset", fileName: "licenses.txt", source });
    },
  };
}

export default defineConfig({
  // Relative addresses, so that the page works in any folder of any site.
  base: "./",
  plugins: [licenses()],
  // ONNX Runtime as separate files of ours, rather than fetched from a public server.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser"] },
  worker: { format: "es" },
  build: {
    outDir: "../../deepz_zoo/web/page",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
  },
});
