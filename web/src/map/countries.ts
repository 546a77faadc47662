/** Names of countries in the browser's language: ISO 3166 numbers, of which it knows the names; else English ones. */
import { locale } from "../format";

const NO_NUMBER: Readonly<Record<string, string>> = { Kosovo: "XK" }; // which has a code of letters alone

/** The code of two letters of a country of Natural Earth; null where it has none. */
export function regionOf(name: string, number: string): string | null {
  if (number === "") return NO_NUMBER[name] ?? null;
  try {
    const region = new Intl.Locale(`und-${number}`).region ?? ""; // numbers are other names of the letters
    return /^(?!ZZ)[A-Z]{2}$/.test(region) ? region : null; // ZZ: not known
  } catch {
    return null;
  }
}

const namers = new Map<string, Intl.DisplayNames | null>();
function namer(language: string): Intl.DisplayNames | null {
  let found = namers.get(language);
  if (found === undefined) {
    try {
      found = new Intl.DisplayNames([language], { type: "region", style: "short", fallback: "none" });
    } catch {
      found = null;
    }
    namers.set(language, found);
  }
  return found;
}

/** What a country is called; in English as Natural Earth calls it, whose names are made for maps. */
export function countryName(name: string, number: string, language: string = locale()): string {
  const region = /^en\b/i.test(language) ? null : regionOf(name, number);
  return (region && namer(language)?.of(region)) || name;
}

/** Pixels that half of a name takes beside its middle, more or less: letters of East Asia are twice as wide. */
export const halfWidth = (name: string): number => [...name].reduce((sum, letter) => sum + (letter >= "\u2e80" ? 6 : 3.4), 8);
