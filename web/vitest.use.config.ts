import { defineConfig } from "vitest/config";

// The page as people use it, in a real browser: see use/. What is awaited has as long as Playwright gives: on a busy
// machine a second, which is what Vitest gives, is not enough to draw a second map.
export default defineConfig({
  test: {
    include: ["use/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    fileParallelism: false,
  },
});
