/** A round distance and its width in pixels: a bar of 60 px, which "2,000 km" fits into, to 120 px. */
export function scaleBar(kmPerPixel: number): { km: number; width: number } {
  const most = kmPerPixel * 120;
  const power = 10 ** Math.floor(Math.log10(most));
  const km = ([5, 3, 2, 1].find((step) => step * power <= most) ?? 1) * power;
  return { km, width: km / kmPerPixel };
}
