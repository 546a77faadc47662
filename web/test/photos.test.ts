import { describe, expect, test } from "vitest";
import { acceptable, inPlainWords } from "../src/panels/photos";
import type { PhotoAnswer } from "../src/records";

const PHOTO: PhotoAnswer = {
  photo: "a.jpg",
  upload: "u",
  verdict: "not calibrated",
  calibrated: false,
  answers: [
    { rank: 1, taxon: "Spizella passerina", common_name: "Chipping Sparrow", score: 0.44 },
    { rank: 2, taxon: "Spizella pusilla", common_name: "Field Sparrow", score: 0.41 },
  ],
};

describe("a photo whose scores nothing was fitted for", () => {
  test("has a likeliest name, and nothing that looks like a probability", () => {
    const words = inPlainWords(PHOTO);
    expect(words).toEqual({ name: "perhaps Chipping Sparrow", common: null, said: "score 0.44" });
    expect(JSON.stringify(words)).not.toMatch(/%|sure|more cannot be said/);
  });
  test("can be accepted as what comes first", () => {
    expect(acceptable(PHOTO)).toBe("Spizella passerina");
    expect(acceptable({ ...PHOTO, answers: [] })).toBeNull();
  });
  test("is not called sure either where a name passed with a place that nothing was fitted for", () => {
    expect(inPlainWords({ ...PHOTO, verdict: "named", rolled_up: "Spizella pusilla" })).toEqual({ name: "Spizella pusilla", common: "Field Sparrow", said: "score 0.41" });
    expect(inPlainWords({ ...PHOTO, verdict: "rolled up", rolled_up_rank: "genus", rolled_up: "Spizella", rolled_up_score: 0.93 }).said).toBe("score 0.93");
    expect(inPlainWords({ ...PHOTO, verdict: "named", rolled_up: "Spizella pusilla", calibrated: true }).said).toBe("41% sure");
  });
});
