/** Cells coloured on the graphics card: month, threshold, ramp and opacity are settings of a shader, not requests.
 *
 * The index texture gives each cell of the grid its number; the value textures hold bytes by that number, a plane a
 * month, as they came. Position is drawn by MapLibre's own projection, so Mercator and the globe are one code. */
import type { CustomLayerInterface, CustomRenderMethodInput, Map as MapLibre } from "maplibre-gl";
import { COLUMNS, FRAGMENT } from "./cell_shader";
import type { Grid } from "./cells";

export type Mode = "ramp" | "interval" | "range" | "truth" | "change";
const MODES: Record<Mode, number> = { ramp: 0, interval: 1, range: 2, truth: 3, change: 4 };

export interface Look {
  readonly mode: Mode;
  readonly planeA: number;
  readonly planeB: number;
  readonly low: number; // value at the ramp's lower end
  readonly high: number;
  readonly scaleA: number;
  readonly scaleB: number;
  readonly power: number; // value = scale * byte ** power
  readonly threshold: number; // below 0: none
  readonly opacity: number;
  readonly hatch: boolean;
  readonly swipe: number; // x in device pixels where B begins; below 0: no swipe
  readonly ink: readonly [number, number, number];
  readonly colours: readonly [right: string, missed: string, tooMuch: string, range: string];
}

const LIMIT = 85.0511;

const hex = (text: string): [number, number, number] => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16) / 255) as [number, number, number];

/** Corners and triangles of a box of degrees in Mercator 0..1, fine enough to lie on the globe. */
export function mesh(west: number, south: number, east: number, north: number): { corners: Float32Array; triangles: Uint32Array } {
  const [low, high] = [Math.max(south, -LIMIT), Math.min(north, LIMIT)];
  const columns = Math.min(180, Math.max(8, Math.ceil((east - west) / 2)));
  const rows = Math.min(90, Math.max(8, Math.ceil((high - low) / 2)));
  const corners = new Float32Array((columns + 1) * (rows + 1) * 2);
  const triangles = new Uint32Array(columns * rows * 6);
  for (let row = 0; row <= rows; row++) {
    const lat = high - ((high - low) * row) / rows;
    const y = 0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI);
    for (let column = 0; column <= columns; column++) {
      const at = (row * (columns + 1) + column) * 2;
      corners[at] = (west + ((east - west) * column) / columns + 180) / 360;
      corners[at + 1] = y;
    }
  }
  let at = 0;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const first = row * (columns + 1) + column;
      const below = first + columns + 1;
      triangles.set([first, below, first + 1, first + 1, below, below + 1], at);
      at += 6;
    }
  return { corners, triangles };
}

/** A layer that draws one program over a box of degrees, in whatever projection the map has. */
abstract class BoxLayer implements CustomLayerInterface {
  readonly type = "custom" as const;
  readonly renderingMode = "2d" as const;
  protected gl: WebGL2RenderingContext | null = null;
  protected map: MapLibre | null = null;
  private programs = new Map<string, WebGLProgram>();
  private corners: WebGLBuffer | null = null;
  private triangles: WebGLBuffer | null = null;
  private count = 0;
  private box = "";

  constructor(readonly id: string) {}

  protected abstract readonly fragment: string;
  protected abstract bind(gl: WebGL2RenderingContext, at: (name: string) => WebGLUniformLocation | null): boolean;

  onAdd(map: MapLibre, gl: WebGLRenderingContext | WebGL2RenderingContext): void {
    this.map = map;
    this.gl = gl as WebGL2RenderingContext;
    this.programs.clear();
    this.corners = this.triangles = null;
    this.box = "";
    this.restore();
  }

  /** Put back what was on the card, after its context was lost. */
  protected restore(): void {}

  protected cover(west: number, south: number, east: number, north: number): void {
    const box = [west, south, east, north].join();
    if (!this.gl || box === this.box) return;
    const made = mesh(west, south, east, north);
    this.corners ??= this.gl.createBuffer();
    this.triangles ??= this.gl.createBuffer();
    this.gl.bindVertexArray(null);
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.corners);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, made.corners, this.gl.STATIC_DRAW);
    this.gl.bindBuffer(this.gl.ELEMENT_ARRAY_BUFFER, this.triangles);
    this.gl.bufferData(this.gl.ELEMENT_ARRAY_BUFFER, made.triangles, this.gl.STATIC_DRAW);
    this.count = made.triangles.length;
    this.box = box;
  }

  private program(gl: WebGL2RenderingContext, input: CustomRenderMethodInput): WebGLProgram {
    const found = this.programs.get(input.shaderData.variantName);
    if (found) return found;
    const shader = (kind: number, source: string): WebGLShader => {
      const made = gl.createShader(kind) as WebGLShader;
      gl.shaderSource(made, source);
      gl.compileShader(made);
      if (!gl.getShaderParameter(made, gl.COMPILE_STATUS) && !gl.isContextLost())
        throw new Error(`a shader of ${this.id} was refused: ${gl.getShaderInfoLog(made) ?? ""}`);
      return made;
    };
    const program = gl.createProgram() as WebGLProgram;
    const vertex = `#version 300 es
${input.shaderData.vertexShaderPrelude}
${input.shaderData.define}
in vec2 a_mercator;
uniform float u_turn;
out vec2 v_mercator;
void main() {
  v_mercator = a_mercator;
  gl_Position = projectTile(a_mercator + vec2(u_turn, 0.0));
}`;
    gl.attachShader(program, shader(gl.VERTEX_SHADER, vertex));
    gl.attachShader(program, shader(gl.FRAGMENT_SHADER, `#version 300 es\n${this.fragment}`));
    gl.linkProgram(program);
    this.programs.set(input.shaderData.variantName, program);
    return program;
  }

  render(context: WebGLRenderingContext | WebGL2RenderingContext, input: CustomRenderMethodInput): void {
    const gl = context as WebGL2RenderingContext;
    if (!this.count) return;
    const program = this.program(gl, input);
    gl.useProgram(program);
    const at = (name: string): WebGLUniformLocation | null => gl.getUniformLocation(program, name);
    if (!this.bind(gl, at)) return;
    const view = input.defaultProjectionData;
    gl.uniformMatrix4fv(at("u_projection_fallback_matrix"), false, view.fallbackMatrix);
    gl.uniformMatrix4fv(at("u_projection_matrix"), false, view.mainMatrix);
    gl.uniform4f(at("u_projection_tile_mercator_coords"), ...view.tileMercatorCoords);
    gl.uniform4f(at("u_projection_clipping_plane"), ...view.clippingPlane);
    gl.uniform1f(at("u_projection_transition"), view.projectionTransition);
    gl.bindVertexArray(null);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.corners);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.triangles);
    const position = gl.getAttribLocation(program, "a_mercator");
    gl.enableVertexAttribArray(position);
    gl.vertexAttribPointer(position, 2, gl.FLOAT, false, 0, 0);
    gl.disable(gl.CULL_FACE);
    gl.disable(gl.STENCIL_TEST);
    gl.disable(gl.DEPTH_TEST);
    // A flat map shows the world more than once; the globe has one.
    for (const turn of view.projectionTransition > 0 ? [0] : [-1, 0, 1]) {
      gl.uniform1f(at("u_turn"), turn);
      gl.drawElements(gl.TRIANGLES, this.count, gl.UNSIGNED_INT, 0);
    }
  }

  protected texture(target: number): WebGLTexture | null {
    const gl = this.gl;
    if (!gl) return null;
    const made = gl.createTexture();
    gl.bindTexture(target, made);
    for (const [name, value] of [
      [gl.TEXTURE_MIN_FILTER, gl.NEAREST], [gl.TEXTURE_MAG_FILTER, gl.NEAREST],
      [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
    ] as const)
      gl.texParameteri(target, name, value);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    return made;
  }
}

type Slot = "a" | "b" | "applicable";

export class CellLayer extends BoxLayer {
  protected readonly fragment = FRAGMENT;
  private grid: Grid | null = null;
  private index: WebGLTexture | null = null;
  private edges: WebGLTexture | null = null;
  private ramp: WebGLTexture | null = null;
  private rampTable: Uint8Array | null = null;
  private bytes: Partial<Record<Slot, Uint8Array>> = {};
  private textures: Partial<Record<Slot, WebGLTexture | null>> = {};
  private look: Look | null = null;

  protected override restore(): void {
    const { grid, rampTable, bytes } = this;
    this.grid = this.rampTable = this.index = this.ramp = null;
    this.bytes = {};
    this.textures = {};
    if (grid) this.setGrid(grid);
    if (rampTable) this.setRamp(rampTable);
    for (const slot of ["a", "b", "applicable"] as const) if (bytes[slot]) this.setValues(slot, bytes[slot]);
  }

  setGrid(grid: Grid): void {
    if (grid === this.grid) return;
    this.grid = grid;
    const gl = this.gl;
    for (const slot of ["a", "b", "applicable"] as const) this.setValues(slot, null);
    if (!gl) return;
    gl.deleteTexture(this.index);
    const numbers = new Int32Array(grid.width * grid.height).fill(-1);
    grid.cells.forEach((flat, cell) => (numbers[flat] = cell));
    this.index = this.texture(gl.TEXTURE_2D);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32I, grid.width, grid.height, 0, gl.RED_INTEGER, gl.INT, numbers);
    gl.deleteTexture(this.edges);
    this.edges = null;
    if (grid.latEdges) {
      this.edges = this.texture(gl.TEXTURE_2D);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, grid.height + 1, 1, 0, gl.RED, gl.FLOAT, Float32Array.from(grid.latEdges));
    }
    this.cover(grid.west, grid.south, grid.east, grid.north);
  }

  setRamp(table: Uint8Array): void {
    this.rampTable = table;
    const gl = this.gl;
    if (!gl) return;
    gl.deleteTexture(this.ramp);
    this.ramp = this.texture(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, table);
    this.map?.triggerRepaint();
  }

  /** Bytes of the cells, a plane after another. The same array again costs nothing. */
  setValues(slot: Slot, bytes: Uint8Array | null): void {
    if ((this.bytes[slot] ?? null) === bytes) return;
    const { gl, grid } = this;
    if (bytes) this.bytes[slot] = bytes;
    else delete this.bytes[slot];
    if (!gl) return;
    gl.deleteTexture(this.textures[slot] ?? null);
    this.textures[slot] = null;
    if (!bytes || !grid) return;
    const cells = grid.cells.length;
    const planes = slot === "applicable" ? 1 : Math.max(1, Math.floor(bytes.length / cells));
    const rows = Math.ceil(cells / COLUMNS);
    const padded = new Uint8Array(COLUMNS * rows * planes);
    for (let plane = 0; plane < planes; plane++) padded.set(bytes.subarray(plane * cells, (plane + 1) * cells), plane * COLUMNS * rows);
    if (slot === "applicable") {
      this.textures[slot] = this.texture(gl.TEXTURE_2D);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, COLUMNS, rows, 0, gl.RED, gl.UNSIGNED_BYTE, padded);
    } else {
      this.textures[slot] = this.texture(gl.TEXTURE_2D_ARRAY);
      gl.texImage3D(gl.TEXTURE_2D_ARRAY, 0, gl.R8, COLUMNS, rows, planes, 0, gl.RED, gl.UNSIGNED_BYTE, padded);
    }
    this.map?.triggerRepaint();
  }

  setLook(look: Look): void {
    this.look = look;
    this.map?.triggerRepaint();
  }

  protected bind(gl: WebGL2RenderingContext, at: (name: string) => WebGLUniformLocation | null): boolean {
    const { look, grid, textures } = this;
    if (!look || !grid || !this.index || !this.ramp || !textures.a) return false;
    const put = (unit: number, target: number, texture: WebGLTexture | null, name: string): void => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(target, texture);
      gl.uniform1i(at(name), unit);
    };
    put(0, gl.TEXTURE_2D, this.index, "u_index");
    put(1, gl.TEXTURE_2D_ARRAY, textures.a, "u_a");
    put(2, gl.TEXTURE_2D_ARRAY, textures.b ?? textures.a, "u_b");
    put(3, gl.TEXTURE_2D, textures.applicable ?? this.ramp, "u_applicable");
    put(4, gl.TEXTURE_2D, this.ramp, "u_ramp");
    put(5, gl.TEXTURE_2D, this.edges ?? this.ramp, "u_edges");
    gl.uniform1i(at("u_uneven"), this.edges ? 1 : 0);
    gl.uniform1f(at("u_power"), look.power);
    gl.uniform3f(at("u_box"), grid.west, grid.north, grid.cellDeg);
    gl.uniform2f(at("u_size"), grid.width, grid.height);
    gl.uniform1i(at("u_mode"), MODES[look.mode]);
    gl.uniform2i(at("u_planes"), look.planeA, look.planeB);
    gl.uniform2f(at("u_range"), look.low, look.high);
    gl.uniform2f(at("u_scales"), look.scaleA, look.scaleB);
    gl.uniform1f(at("u_threshold"), look.threshold);
    gl.uniform1f(at("u_opacity"), look.opacity);
    gl.uniform1f(at("u_hatch"), look.hatch && textures.applicable ? 8 * Math.max(1, devicePixelRatio) : 0);
    gl.uniform1f(at("u_swipe"), textures.b ? look.swipe : -1);
    gl.uniform3f(at("u_ink"), ...look.ink);
    (["u_right", "u_missed", "u_much", "u_present"] as const).forEach((name, i) => gl.uniform3f(at(name), ...hex(look.colours[i] ?? "#000000")));
    return true;
  }
}

/** A picture of the whole Earth, plate carrée, under the cells. */
export class EarthLayer extends BoxLayer {
  protected readonly fragment = `
precision highp float;
in vec2 v_mercator;
out vec4 o_colour;
uniform sampler2D u_earth;
uniform float u_dim;
const float PI = 3.141592653589793;
void main() {
  float lat = 2.0 * atan(exp(PI - v_mercator.y * 2.0 * PI)) - PI / 2.0;
  o_colour = vec4(texture(u_earth, vec2(v_mercator.x, 0.5 - lat / PI)).rgb * u_dim, 1.0);
}`;
  private earth: WebGLTexture | null = null;
  private picture: ImageBitmap | null = null;
  dim = 1;

  show(picture: ImageBitmap): void {
    this.picture = picture;
    this.restore();
    this.map?.triggerRepaint();
  }

  protected override restore(): void {
    const gl = this.gl;
    if (!gl || !this.picture) return;
    this.earth = this.texture(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, this.picture);
    gl.generateMipmap(gl.TEXTURE_2D);
    this.cover(-180, -90, 180, 90);
  }

  protected bind(gl: WebGL2RenderingContext, at: (name: string) => WebGLUniformLocation | null): boolean {
    if (!this.earth) return false;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.earth);
    gl.uniform1i(at("u_earth"), 0);
    gl.uniform1f(at("u_dim"), this.dim);
    return true;
  }
}
