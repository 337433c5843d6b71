import { defineConfig } from "vite";

export default defineConfig({
  // Relative addresses, so that the page works in any folder of any site.
  base: "./",
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
