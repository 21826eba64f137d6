/**
 * The curve of Ed25519, edwards25519 (RFC 8032, section 5.1), in big integers: for judging public keys when they are
 * enrolled, where time and side channels do not count. Signatures are the runtime's affair.
 */

/** The prime of the field, 2^255 - 19. */
const p = 2n ** 255n - 19n;
/** The order of the base point's group. */
const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;
/** The curve's constant, -121665 / 121666, and a square root of -1, as RFC 8032 has them: every start needs them. */
const d = 37_095_705_934_669_439_343_138_083_508_754_565_189_542_113_879_843_219_016_388_785_533_085_940_283_555n;
const rootOfMinusOne =
  19_681_161_376_707_505_956_807_079_304_988_542_015_446_066_515_923_890_162_744_021_073_123_829_784_752n;

/** Extended homogeneous coordinates: x = X/Z, y = Y/Z, x * y = T/Z (RFC 8032, section 5.1.4). */
export interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
  readonly t: bigint;
}

const identity: Point = { x: 0n, y: 1n, z: 1n, t: 0n };

function mod(value: bigint): bigint {
  const rest = value % p;
  return rest < 0n ? rest + p : rest;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % p;
    square = (square * square) % p;
  }
  return result;
}

/** The sum of two points (RFC 8032, section 5.1.4; complete, so it doubles too). */
export function addPoints(a: Point, b: Point): Point {
  const aa = mod((a.y - a.x) * (b.y - b.x));
  const bb = mod((a.y + a.x) * (b.y + b.x));
  const cc = mod(2n * a.t * b.t * d);
  const dd = mod(2n * a.z * b.z);
  const [e, f, g, h] = [bb - aa, dd - cc, dd + cc, bb + aa];
  return { x: mod(e * f), y: mod(g * h), z: mod(f * g), t: mod(e * h) };
}

/** `scalar` times a point. */
export function multiplyPoint(scalar: bigint, point: Point): Point {
  let result = identity;
  let doubled = point;
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = addPoints(result, doubled);
    doubled = addPoints(doubled, doubled);
  }
  return result;
}

function isIdentity(point: Point): boolean {
  return point.x === 0n && point.y === point.z;
}

/** A little-endian number. */
function fromLittleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
}

/** The point's 32 bytes (RFC 8032, section 5.1.2). */
export function encodePoint(point: Point): Uint8Array {
  const inverse = power(point.z, p - 2n);
  const x = mod(point.x * inverse);
  const y = mod(point.y * inverse) | ((x & 1n) << 255n);
  return new Uint8Array(Buffer.from(y.toString(16).padStart(64, "0"), "hex").reverse());
}

/** The point that 32 bytes stand for (RFC 8032, section 5.1.3), or why they stand for none. */
export function decodePoint(bytes: Uint8Array): Point | "non_canonical" | "not_on_curve" {
  const encoded = fromLittleEndian(bytes);
  const sign = encoded >> 255n;
  const y = encoded & ((1n << 255n) - 1n);
  if (y >= p) return "non_canonical";
  const u = mod(y * y - 1n);
  const v = mod(d * y * y + 1n);
  let x = mod(u * power(v, 3n) * power(mod(u * power(v, 7n)), (p - 5n) / 8n));
  const check = mod(v * x * x);
  if (check !== u) {
    if (check !== mod(-u)) return "not_on_curve";
    x = mod(x * rootOfMinusOne);
  }
  if (x === 0n && sign === 1n) return "non_canonical";
  if ((x & 1n) !== sign) x = p - x;
  return { x, y, z: 1n, t: mod(x * y) };
}

/** What makes bytes unfit to be a public key. */
export type WeakKey = "wrong_length" | "non_canonical" | "not_on_curve" | "low_order" | "mixed_order";

/**
 * Why a public key must not be enrolled, if so. With a key of low order one signature holds for many messages; with
 * one of mixed order verifiers disagree; other encodings make two keys of one (Chalkias, Garillot and Nikolaenko,
 * "Taming the many EdDSAs", 2020).
 */
export function weakKey(publicKey: Uint8Array): WeakKey | undefined {
  if (publicKey.length !== 32) return "wrong_length";
  const point = decodePoint(publicKey);
  if (typeof point === "string") return point;
  if (isIdentity(multiplyPoint(8n, point))) return "low_order";
  if (!isIdentity(multiplyPoint(order, point))) return "mixed_order";
  return undefined;
}
