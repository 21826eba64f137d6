import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FrameGuard } from "../../src/transport/frame-guard.ts";
import { defaultServerLimits } from "../../src/transport/limits.ts";
import { callHeaders, endHeaders, endStream, frameTypes, preface, rawFrame, uint32 } from "./raw-peer.ts";

const limits = { ...defaultServerLimits, resetsMax: 3, controlFramesMax: 5, smallFramesMax: 4, continuationsMax: 2 };

function guard(): FrameGuard {
  const made = new FrameGuard(limits);
  expect(made.inspect(preface)).toBeUndefined();
  return made;
}

const reset = rawFrame(frameTypes.resetStream, 0, 1, uint32(8));
const ping = rawFrame(frameTypes.ping, 0, 0, Buffer.alloc(8));
const small = rawFrame(frameTypes.data, 0, 1, Buffer.alloc(63));
const continuation = rawFrame(frameTypes.continuation, 0, 1, Buffer.alloc(10));
const headers = rawFrame(frameTypes.headers, endHeaders, 1, callHeaders());

/** Inspects the frames one by one; answers the number of the first that breaks a limit, and how. */
function firstAbuse(of: FrameGuard, frames: Buffer[]): [number, string] | undefined {
  for (const [i, frame] of frames.entries()) {
    const abuse = of.inspect(frame);
    if (abuse) return [i + 1, abuse];
  }
  return undefined;
}

describe("FrameGuard", () => {
  test.each([
    ["resets", Array(9).fill(reset), [4, "reset_flood"]],
    ["control frames", Array(9).fill(ping), [6, "control_flood"]],
    ["unknown frames", Array(9).fill(rawFrame(0x42, 0, 0)), [6, "control_flood"]],
    ["small body frames", Array(9).fill(small), [5, "small_frame_flood"]],
    ["small body frames of one call", [headers, ...Array(9).fill(small)], [10, "small_frame_flood"]],
    ["continuations", [headers, ...Array(9).fill(continuation)], [4, "continuation_flood"]],
  ] as [string, Buffer[], [number, string]][])(
    "finds too many %s, at the first that is too many",
    (_, frames, found) => {
      expect(firstAbuse(guard(), frames)).toEqual(found);
    },
  );

  test("lets through what calls are made of", () => {
    const whole = rawFrame(frameTypes.data, endStream, 1, Buffer.alloc(10));
    const large = rawFrame(frameTypes.data, 0, 1, Buffer.alloc(64));
    const split = [headers, small, small, small, small, large, large, whole, continuation, continuation];
    expect(firstAbuse(guard(), Array(50).fill(split).flat())).toBeUndefined();
  });

  test("counts anew after each interval, and continuations per header", () => {
    const own = guard();
    for (let i = 0; i < 20; i += 1) {
      const frames = [...Array(3).fill(reset), ...Array(5).fill(ping), ...Array(4).fill(small)];
      expect(firstAbuse(own, [...frames, headers, continuation, continuation])).toBeUndefined();
      own.renew();
    }
  });

  test("is not misled by what a payload looks like", () => {
    const own = guard();
    const disguised = Buffer.concat(Array(20).fill(reset));
    expect(own.inspect(rawFrame(frameTypes.data, 0, 1, disguised))).toBeUndefined();
    expect(firstAbuse(own, Array(9).fill(reset))).toEqual([4, "reset_flood"]);
  });

  test("comes to the same whatever pieces the frames arrive in", () => {
    const kinds = [reset, ping, small, continuation, headers, rawFrame(0x42, 0, 0, Buffer.alloc(100))];
    const frames = fc.array(fc.constantFrom(...kinds), { maxLength: 25 });
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (chosen, sizes) => {
        const bytes = Buffer.concat([preface, ...chosen]);
        const own = new FrameGuard(limits);
        let found: string | undefined;
        for (let offset = 0, i = 0; offset < bytes.length && !found; i += 1) {
          const size = sizes[i % sizes.length] as number;
          found = own.inspect(bytes.subarray(offset, offset + size));
          offset += size;
        }
        expect(found).toBe(new FrameGuard(limits).inspect(bytes));
        expect(found).toBe(firstAbuse(guard(), chosen)?.[1] as typeof found);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
