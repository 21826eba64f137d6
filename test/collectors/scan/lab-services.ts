import { serve } from "./lab-server.ts";

// the services of one lab host, given as JSON: [[port, kind], ...]; a line on stdout when all listen
const [host = "", services = "[]", cert, key] = process.argv.slice(2);
for (const [port, kind] of JSON.parse(services) as [number, string][]) {
  serve(host, port, kind, cert === undefined || key === undefined ? undefined : { cert, key });
}
process.stdout.write("ready\n");
