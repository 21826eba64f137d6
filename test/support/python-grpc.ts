// A peer that shares no code with ours: grpcio, the C core of gRPC, in Debian's Python.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { IssuedCertificate, TestAuthority } from "./certificates.ts";

/** The interpreter that Debian's python3-grpcio belongs to; a `python3` on PATH may be another. */
const python = "/usr/bin/python3";

function hasGrpc(): boolean {
  return spawnSync(python, ["-c", "import grpc"]).status === 0;
}

/** Whether grpcio is there; installs Debian's package where it is missing and this process may. */
function preparePythonGrpc(): boolean {
  if (hasGrpc()) return true;
  if (process.getuid?.() !== 0) return false;
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  spawnSync("apt-get", ["update", "-qq"], { env: environment });
  spawnSync("apt-get", ["install", "-y", "-qq", "python3-grpcio"], { env: environment });
  return hasGrpc();
}

/**
 * Whether tests with grpcio can run. Where they cannot, it prints why they are skipped; with CI=true it throws, so that
 * no gate passes without them.
 */
export function pythonGrpcAvailable(): boolean {
  if (preparePythonGrpc()) return true;
  const reason = `${python} has no grpc (Debian package python3-grpcio)`;
  if (process.env.CI === "true") throw new Error(reason);
  process.stderr.write(`skipped: ${reason}\n`);
  return false;
}

export interface PythonCall {
  readonly path: string;
  /** The message; or that many zero bytes. */
  readonly body: Uint8Array | number;
  readonly gzip?: boolean;
  /** Seconds. */
  readonly timeout?: number;
}

export interface PythonAnswer {
  readonly status: string;
  readonly details?: string;
  readonly hex?: string;
}

/** Makes the calls one after the other over one channel and answers what came back. */
export async function callFromPython(
  address: string,
  authority: TestAuthority,
  certificate: IssuedCertificate,
  calls: readonly PythonCall[],
): Promise<PythonAnswer[]> {
  const wanted = {
    address,
    ca: authority.caPath,
    key: certificate.keyPath,
    cert: certificate.certPath,
    calls: calls.map(({ path, body, gzip, timeout }) => ({
      path,
      gzip,
      timeout,
      ...(typeof body === "number" ? { zeros: body } : { hex: Buffer.from(body).toString("hex") }),
    })),
  };
  const child = Bun.spawn([python, join(import.meta.dir, "python-grpc.py")], {
    stdin: new Blob([JSON.stringify(wanted)]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(`grpcio: ${errors}`);
  return JSON.parse(output) as PythonAnswer[];
}
