/** Small line icons on a 24 px grid, drawn in the colour of the text. */
const PATHS = {
  bird: "M3 17c4-.6 6-3.500 8.500-6C13.800 8.500 18 8 19.500 11L22 12l-2.600 1c-.4 4-3.600 7-8 7-3.400 0-6-1.200-8.400-3z M17 11.200h.01",
  pin: "M12 21s7-6.200 7-11.500A7 7 0 0 0 5 9.500C5 14.800 12 21 12 21z M12 12a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
  photo: "M4 8h3.500L9 5.500h6L16.500 8H20v11H4z M12 16.500a3.300 3.300 0 1 0 0-6.600 3.300 3.300 0 0 0 0 6.600z",
  data: "M4 5h7v6H4z M13 5h7v6h-7z M4 13h7v6H4z M13 13h7v6h-7z",
  compare: "M12 3v18 M4 6h5v12H4z M15 6h5v12h-5z",
  about: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z M12 11v5.500 M12 7.700h.01",
  play: "M8 5.500v13l10.500-6.500z",
  pause: "M8 5.500v13 M16 5.500v13",
  plus: "M12 5v14 M5 12h14",
  minus: "M5 12h14",
  here: "M12 3v3 M12 18v3 M3 12h3 M18 12h3 M12 17a5 5 0 1 0 0-10 5 5 0 0 0 0 10z",
  home: "M4 9V4h5 M20 9V4h-5 M4 15v5h5 M20 15v5h-5",
  layers: "M12 4 3 9l9 5 9-5z M3 14.500l9 5 9-5",
  search: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13z M15.500 15.500 20 20",
  close: "M6 6l12 12 M18 6 6 18",
  drop: "M12 15V4 M8 8l4-4 4 4 M5 15v4h14v-4",
  down: "M12 4v11 M8 11.500l4 4 4-4 M5 19.500h14",
  link: "M10 14a4 4 0 0 0 5.700 0l3-3A4 4 0 0 0 13 5.300l-1 1 M14 10a4 4 0 0 0-5.700 0l-3 3A4 4 0 0 0 11 18.700l1-1",
  code: "M8.500 7 4 12l4.500 5 M15.500 7 20 12l-4.500 5",
  warn: "M12 4 2.500 20h19z M12 10v4.500 M12 17.300h.01",
  check: "M5 12.500l4.500 4.500L19 7.500",
  chevron: "M7 10l5 5 5-5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
