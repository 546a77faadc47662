/** How much of a phone's screen the panel takes: its top, half, all. */
import { signal } from "@preact/signals";

export const stop = signal<number>(1);
