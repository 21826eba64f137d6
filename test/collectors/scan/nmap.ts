// Debian's nmap, and what it says.
import { join } from "node:path";
import { peerProgram } from "../../support/debian.ts";

const packages = [
  "nmap",
  "nmap-common",
  "libblas3",
  "liblinear4",
  "liblua5.3-0",
  "libpcap0.8",
  "libpcre3",
  "libssh2-1",
  "lua-lpeg",
];

/** How nmap is called here; undefined where it cannot be had. */
export function nmapCommand(): string[] | undefined {
  const nmap = peerProgram("nmap", packages);
  if (!nmap) return undefined;
  const root = nmap.replace(/\/usr\/bin\/nmap$/, "");
  const folders = ["usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/blas", "lib/x86_64-linux-gnu"];
  const libraries = `LD_LIBRARY_PATH=${folders.map((folder) => join(root, folder)).join(":")}`;
  return ["env", libraries, nmap, "--datadir", `${root}/usr/share/nmap`];
}

export interface NmapPort {
  readonly port: number;
  readonly state: string;
  /** nmap's name for it, with `ssl/` before what is inside TLS. */
  readonly service: string;
  readonly product: string;
  readonly version: string;
}

/** Ports by address out of `-oX -`. */
export function parseNmap(xml: string): Map<string, NmapPort[]> {
  const attribute = (text: string, name: string) => new RegExp(` ${name}="([^"]*)"`).exec(text)?.[1] ?? "";
  const hosts = [...xml.matchAll(/<host .*?<\/host>/gs)].map(([host]) => {
    const ports = [...host.matchAll(/<port .*?<\/port>/gs)].map(([port]) => {
      const [service = ""] = /<service .*?>/s.exec(port) ?? [];
      return {
        port: Number(attribute(port, "portid")),
        state: attribute(port, "state"),
        service: `${attribute(service, "tunnel") === "ssl" ? "ssl/" : ""}${attribute(service, "name")}`,
        product: attribute(service, "product"),
        version: attribute(service, "version"),
      };
    });
    return [attribute(host, "addr"), ports] as const;
  });
  return new Map(hosts);
}
