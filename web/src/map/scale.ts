/** A round distance and its width in pixels, for a bar of 100 px at most. */
export function scaleBar(kmPerPixel: number): { km: number; width: number } {
  const most = kmPerPixel * 100;
  const power = 10 ** Math.floor(Math.log10(most));
  const km = ([5, 2, 1].find((step) => step * power <= most) ?? 1) * power;
  return { km, width: km / kmPerPixel };
}
