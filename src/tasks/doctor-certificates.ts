import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { BaseConfig } from "../config/index.ts";
import { printable } from "../core/escape.ts";
import { identityPaths } from "../identity/index.ts";
import { checkCertificates } from "./certs-check.ts";
import { type DoctorCheck, makeCheck } from "./doctor-check.ts";

const lost = "roles refuse to start, or the bus refuses them";

/** The certificates, keys and trust map of a home: there, right, and until when. */
export function checkHomeCertificates(home: string, config: BaseConfig, nowMs: number): Promise<DoctorCheck> {
  return makeCheck("certificates", lost, () => {
    const { crypto } = config;
    const paths = identityPaths(home, { certs: dirname(crypto.ca_cert ?? "certs/ca.crt"), trustMap: crypto.trust_map_path });
    const { certificates, problems } = checkCertificates(paths, { nowMs, allowGroupRead: crypto.allow_group_read });
    if (certificates.length === 0 && !existsSync(paths.trustMap)) {
      const hint = "amoskys up, or amoskys certs init";
      return { status: "warn", found: `none in ${paths.certs} yet`, lost: "nothing runs before they are made", hint };
    }
    const [first, ...more] = problems;
    if (first) {
      const others = more.length > 0 ? `, and ${more.length} more` : "";
      const found = printable(`${first.about}: ${first.problem}${others}`);
      return { status: "fail", code: "identity_invalid", found, lost, hint: first.hint ?? "amoskys certs check" };
    }
    const next = certificates.reduce((a, b) => (b.notAfterMs < a.notAfterMs ? b : a));
    const day = new Date(next.notAfterMs).toISOString().slice(0, 10);
    const figures = { certificates: certificates.length, first_ends: new Date(next.notAfterMs).toISOString() };
    return { status: "ok", found: `${certificates.length}, the first to end is ${next.name} on ${day}`, figures };
  });
}
