/** The shader that colours cells: which cell a place is in, its values on both sides, their colour, and the hatching. */

/** Cells in a row of the textures of values. */
export const COLUMNS = 4096;

export const FRAGMENT = `
precision highp float;
precision highp int;
precision highp isampler2D;
precision highp sampler2DArray;
in vec2 v_mercator;
out vec4 o_colour;
uniform isampler2D u_index;
uniform sampler2DArray u_a;
uniform sampler2DArray u_b;
uniform sampler2D u_applicable;
uniform sampler2D u_ramp;
uniform highp sampler2D u_edges; // latitudes between rows, from the north
uniform vec3 u_box; // west, north, degrees a cell
uniform vec2 u_size;
uniform int u_mode;
uniform ivec2 u_planes;
uniform vec2 u_range;
uniform vec2 u_scales;
uniform float u_power;
uniform bool u_uneven;
uniform float u_threshold;
uniform float u_opacity;
uniform float u_hatch; // pixels between lines; 0: none
uniform float u_swipe;
uniform vec3 u_ink;
uniform vec3 u_right;
uniform vec3 u_missed;
uniform vec3 u_much;
uniform vec3 u_present;
const float PI = 3.141592653589793;
void main() {
  float lon = v_mercator.x * 360.0 - 180.0;
  float lat = degrees(2.0 * atan(exp(PI - v_mercator.y * 2.0 * PI)) - PI / 2.0);
  float column = floor(mod(lon - u_box.x, 360.0) / u_box.z);
  float row = floor((u_box.y - lat) / u_box.z);
  if (u_uneven) {
    int low = 0;
    int high = int(u_size.y);
    if (lat > texelFetch(u_edges, ivec2(0, 0), 0).r || lat <= texelFetch(u_edges, ivec2(high, 0), 0).r) discard;
    for (int step = 0; step < 16 && high - low > 1; step++) {
      int middle = (low + high) / 2;
      if (lat <= texelFetch(u_edges, ivec2(middle, 0), 0).r) low = middle;
      else high = middle;
    }
    row = float(low);
  }
  if (column < 0.0 || column >= u_size.x || row < 0.0 || row >= u_size.y) discard;
  int cell = texelFetch(u_index, ivec2(int(column), int(row)), 0).r;
  if (cell < 0) discard;
  ivec2 at = ivec2(cell % ${COLUMNS}, cell / ${COLUMNS});
  float a = texelFetch(u_a, ivec3(at, u_planes.x), 0).r * 255.0;
  float b = texelFetch(u_b, ivec3(at, u_planes.y), 0).r * 255.0;
  bool right = u_swipe >= 0.0 && gl_FragCoord.x > u_swipe;
  vec3 colour;
  float alpha = u_opacity;
  if (u_mode >= 3 || u_mode == 1) {
    if (a > 254.5 || b > 254.5) discard;
    float left = a * u_scales.x;
    if (u_mode == 3) {
      bool said = left >= u_threshold;
      bool there = b > 0.5;
      if (!said && !there) discard;
      colour = said && there ? u_right : there ? u_missed : u_much;
    } else {
      float value = b * u_scales.y - left;
      colour = texture(u_ramp, vec2(clamp((value - u_range.x) / (u_range.y - u_range.x), 0.0, 1.0), 0.5)).rgb;
    }
  } else {
    float byte = right ? b : a;
    if (byte > 254.5) discard;
    float value = pow(byte, u_power) * (right ? u_scales.y : u_scales.x);
    if (u_mode == 2) {
      if (value < u_threshold) discard;
      colour = u_present;
    } else {
      colour = texture(u_ramp, vec2(clamp((value - u_range.x) / (u_range.y - u_range.x), 0.0, 1.0), 0.5)).rgb;
      if (u_threshold >= 0.0 && value < u_threshold) alpha *= 0.14;
    }
  }
  if (u_hatch > 0.0) {
    float fit = texelFetch(u_applicable, at, 0).r * 255.0;
    if (fit < 0.5) { // it recedes, under hatching lighter than the data
      bool line = mod(gl_FragCoord.x + gl_FragCoord.y, u_hatch) < u_hatch * 0.125;
      alpha = line ? 0.5 * u_opacity : alpha * 0.45;
      if (line) colour = mix(colour, u_ink, 0.3);
    }
  }
  o_colour = vec4(colour * alpha, alpha);
}`;
