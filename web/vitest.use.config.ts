import { defineConfig } from "vitest/config";

// The page as people use it, in a real browser: see use/.
export default defineConfig({
  test: { include: ["use/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false },
});
