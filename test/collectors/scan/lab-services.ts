import { readFileSync } from "node:fs";
import { serve } from "./lab-server.ts";

// services of one lab host, given as JSON: [[port, kind], ...]; certificate and key as paths
const [host = "", services = "[]", cert = "", key = ""] = process.argv.slice(2);
const tls = { cert: readFileSync(cert, "latin1"), key: readFileSync(key, "latin1") };
for (const [port, kind] of JSON.parse(services) as [number, string][]) serve(host, port, kind, tls);
