import { fromBinary } from "@bufbuild/protobuf";
import { createFlowEngine, type FlowEngine, type FlowEngineOptions } from "../../../src/collectors/flow/flow-engine.ts";
import type { FlowFigures } from "../../../src/collectors/flow/flow-figures.ts";
import type { FlowBatch } from "../../../src/collectors/flow/flow-source.ts";
import { type FlowEvent, FlowEventSchema } from "../../../src/gen/messaging_schema_pb.ts";
import { CaptureReader } from "../../../src/packet/index.ts";

const engineDefaults: FlowEngineOptions = { idleTimeoutS: 30, activeTimeoutS: 300, flowsMax: 262_144 };

function decodeBatch({ bytes, ends, count }: FlowBatch): FlowEvent[] {
  const events: FlowEvent[] = [];
  let start = 0;
  for (let i = 0; i < count; i += 1) {
    const end = ends[i] as number;
    events.push(fromBinary(FlowEventSchema, bytes.subarray(start, end)));
    start = end;
  }
  return events;
}

/** An engine that is fed frames one by one; times are seconds, exact to the microsecond. */
export class TestEngine {
  readonly engine: FlowEngine;

  constructor(options: Partial<FlowEngineOptions> = {}) {
    this.engine = createFlowEngine({ ...engineDefaults, ...options });
  }

  feed(
    seconds: number,
    frame: Uint8Array,
    o: { linkType?: number; iface?: number; vlan?: number; wire?: number } = {},
  ): void {
    const micros = Math.round(seconds * 1e6);
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const sec = Math.floor(micros / 1e6);
    const nsec = (micros % 1e6) * 1000;
    const { linkType = 1, iface = 0, vlan = 0, wire = frame.length } = o;
    this.engine.frame(view, frame, 0, frame.length, wire, sec, nsec, linkType, iface, vlan);
  }

  /** Flows that have ended since the last time. */
  ended(): FlowEvent[] {
    return decodeBatch(this.engine.takeEvents());
  }

  /** Flows that have ended, and those that are left. */
  all(reason: "eof" | "shutdown" = "eof"): FlowEvent[] {
    this.engine.drain(reason);
    return this.ended();
  }
}

export interface CaptureRun {
  readonly flows: FlowEvent[];
  readonly figures: FlowFigures;
  readonly error: unknown;
}

/** All flows of a capture, and how it ended. */
export function runCapture(capture: Uint8Array, options: Partial<FlowEngineOptions> = {}): CaptureRun {
  const engine = createFlowEngine({ ...engineDefaults, ...options });
  const reader = new CaptureReader({ name: "test", onInterface: (index, name) => engine.setInterface(index, name) });
  const flows: FlowEvent[] = [];
  let error: unknown;
  try {
    for (let at = 0; at < capture.length; ) {
      const space = reader.space();
      const piece = capture.subarray(at, at + space.length);
      space.set(piece);
      reader.filled(piece.length);
      at += piece.length;
      feedAll(reader, engine);
      flows.push(...decodeBatch(engine.takeEvents()));
    }
    reader.finish();
  } catch (caught) {
    error = caught;
  }
  engine.drain("eof");
  flows.push(...decodeBatch(engine.takeEvents()));
  return { flows, figures: engine.figures(), error };
}

function feedAll(reader: CaptureReader, engine: FlowEngine): void {
  while (reader.next()) {
    const { view, bytes, frame: f } = reader;
    const { offset, capturedLength, wireLength, sec, nsec, linkType, interfaceIndex } = f;
    engine.frame(view, bytes, offset, capturedLength, wireLength, sec, nsec, linkType, interfaceIndex, 0);
  }
}

/** Packets and bytes of flows, both directions. */
export function totalsOf(flows: readonly FlowEvent[]): { packets: number; bytes: number } {
  return {
    packets: flows.reduce((sum, f) => sum + Number(f.packetsTx + f.packetsRx), 0),
    bytes: flows.reduce((sum, f) => sum + Number(f.bytesTx + f.bytesRx), 0),
  };
}
