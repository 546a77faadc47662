/** Where the reader is, asked of the browser, and only when that is asked for. */
import { strings } from "../strings";

export function whereIAm(found: (lon: number, lat: number) => void, failed: (message: string) => void): void {
  // Browsers have no geolocation for pages that came over plain HTTP from another machine.
  if (!navigator.geolocation) return failed(strings.errors.locate);
  navigator.geolocation.getCurrentPosition((at) => found(at.coords.longitude, at.coords.latitude), () => failed(strings.errors.locate), { timeout: 15_000 });
}
