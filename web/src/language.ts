/** The browser's language in what is asked, so that common names come in it where a list has them. */
import { locale } from "./format";

const OF_NAMES = /^v1\/models\/[^/?]+\/(?:taxa|maps\/[^/?]+|place|place\.csv)(?=$|\?)/;

/** A path of the interface with the language, where its answer has common names. */
export function inLanguage(path: string): string {
  if (!OF_NAMES.test(path)) return path;
  return `${path}${path.includes("?") ? "&" : "?"}language=${encodeURIComponent(locale().slice(0, 35))}`;
}
