import { X509Certificate } from "node:crypto";
import { renameSync } from "node:fs";
import { AmoskysError } from "../core/errors.ts";
import { statOf } from "../core/system-error.ts";
import { issueCertificate } from "./certificate-authority.ts";
import { finishIdentity, type IdentityPaths, identityFiles } from "./identity-home.ts";
import { certificateFiles, ownHosts, readAuthority } from "./identity-make.ts";
import { readPublicFile } from "./public-file.ts";
import { hostsOf } from "./server-hosts.ts";
import { placeNewFiles } from "./staged-files.ts";
import { writeError } from "./write-error.ts";

const pemBytesMax = 1 << 18;
const keptSuffix = ".old";

export interface ServerCertificateOptions {
  /** Names and addresses under which the bus is reached, beside those of this host itself. */
  readonly hosts: readonly string[];
  /** Keeps what is there as `server.crt.old` and `server.key.old`, and its hosts in the new one. */
  readonly replace: boolean;
  /** The wall clock in milliseconds. */
  readonly nowMs: number;
}

/** What was made; paths are absolute. */
export interface MadeServerCertificate {
  readonly hosts: readonly string[];
  readonly files: readonly string[];
  /** Where the certificate and the key of before are now. */
  readonly kept: readonly string[];
}

/** The hosts of the certificate that is there, so that a renewal does not drop one. */
function formerHosts(path: string): string[] {
  return statOf(path) ? hostsOf(new X509Certificate(readPublicFile(path, pemBytesMax))) : [];
}

/** Moves files; where a later step fails, back again. */
function moveAside<T>(files: readonly string[], place: () => T): T {
  const moved: string[] = [];
  try {
    for (const file of files) {
      renameSync(file, file + keptSuffix);
      moved.push(file);
    }
    return place();
  } catch (caught) {
    for (const file of moved) if (!statOf(file)) renameSync(file + keptSuffix, file);
    throw caught;
  }
}

/**
 * Makes a new certificate and key of the bus under the authority of this home. Throws `identity_invalid` where the
 * authority is missing or unfit, or where there is one and it is not to be replaced; nothing is changed then.
 */
export async function generateServer(
  paths: IdentityPaths,
  { hosts, replace, nowMs }: ServerCertificateOptions,
): Promise<MadeServerCertificate> {
  finishIdentity(paths);
  const authority = readAuthority(paths);
  const { cert, key } = identityFiles(paths, "server");
  const there = [cert, key].filter((file) => statOf(file));
  if (there[0] && !replace) {
    throw new AmoskysError("identity_invalid", `${there[0]} exists already; nothing was changed`, {
      hint: "amoskys certs gen server --replace keeps it as .old",
    });
  }
  const all = [...new Set([...ownHosts(), ...formerHosts(cert), ...hosts])];
  const pair = await issueCertificate(authority, { use: "server", name: "AMOSKYS bus", hosts: all }, nowMs);
  const files = certificateFiles(paths, "server", pair);
  try {
    moveAside(there, () => placeNewFiles(paths.certs, files));
  } catch (caught) {
    throw writeError(caught, paths.certs);
  }
  return { hosts: all, files: files.map(({ path }) => path), kept: there.map((file) => file + keptSuffix) };
}
