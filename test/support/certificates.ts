// Throw-away certificates in a temporary folder, made by the openssl command line, so that what the tests trust does
// not come out of the code under test.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** PEM of one side of a connection, with the files they lie in. */
export interface IssuedCertificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly certPath: string;
  readonly keyPath: string;
}

export interface IssueOptions {
  /** Subject as openssl writes it, such as `/CN=one/CN=two`. */
  readonly subject: string;
  /** Extended key usage; `none` leaves the extension out. */
  readonly use?: "client" | "server" | "both" | "none";
  /** A certificate that says it is an authority's. */
  readonly authority?: boolean;
  /** Subject alternative names, such as `DNS:localhost`. */
  readonly names?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Signed by its own key instead of the authority's. */
  readonly selfSigned?: boolean;
}

/** One authority and what it issued. */
export interface TestAuthority {
  readonly folder: string;
  /** PEM. */
  readonly ca: string;
  readonly caPath: string;
  issue(options: IssueOptions): IssuedCertificate;
  /** A server's, for localhost, 127.0.0.1 and ::1. */
  server(): IssuedCertificate;
  /** A client's with this CN. */
  client(name: string): IssuedCertificate;
  /** Puts a certificate on the revocation list and answers the whole list, PEM. */
  revoke(certificate: IssuedCertificate): string;
  /** Deletes the folder. */
  remove(): void;
}

function openssl(folder: string, ...args: string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}

const configuration = `[ca]
default_ca = here
[here]
dir = .
database = index
serial = serial
new_certs_dir = issued
certificate = ca.crt
private_key = ca.key
default_md = sha256
default_crl_days = 1
policy = any
unique_subject = no
rand_serial = yes
email_in_dn = yes
preserve = yes
[any]
commonName = optional
organizationName = optional
[req]
distinguished_name = name
string_mask = utf8only
[name]
`;

const keyUses = { client: "clientAuth", server: "serverAuth", both: "clientAuth,serverAuth" } as const;
const dayMs = 86_400_000;
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "ca.cnf", "-utf8"];

function extensionsOf({ use = "client", authority = false, names = [] }: IssueOptions): string {
  const lines = [`basicConstraints=critical,CA:${authority ? "TRUE" : "FALSE"}`];
  if (use !== "none") lines.push(`extendedKeyUsage=${keyUses[use]}`);
  if (names.length > 0) lines.push(`subjectAltName=${names.join(",")}`);
  return `${lines.join("\n")}\n`;
}

/** YYYYMMDDHHMMSSZ, as `openssl ca` takes it. */
function opensslTime(at: Date): string {
  return `${at.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
}

function issueIn(folder: string, number: number, options: IssueOptions): IssuedCertificate {
  const { subject, selfSigned = false } = options;
  const { notBefore = new Date(Date.now() - dayMs), notAfter = new Date(Date.now() + dayMs) } = options;
  const name = `leaf${number}`;
  writeFileSync(join(folder, `${name}.ext`), extensionsOf(options));
  openssl(folder, "req", ...newKey, "-new", "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", subject);
  const signer = selfSigned ? ["-selfsign", "-keyfile", `${name}.key`] : [];
  const dates = ["-startdate", opensslTime(notBefore), "-enddate", opensslTime(notAfter)];
  const files = ["-in", `${name}.csr`, "-out", `${name}.crt`, "-extfile", `${name}.ext`];
  openssl(folder, "ca", "-batch", "-notext", "-utf8", "-config", "ca.cnf", ...signer, ...dates, ...files);
  const certPath = join(folder, `${name}.crt`);
  const keyPath = join(folder, `${name}.key`);
  const read = (path: string) => readFileSync(path, "utf8");
  return { ca: read(join(folder, "ca.crt")), cert: read(certPath), key: read(keyPath), certPath, keyPath };
}

/** Makes an authority in a new temporary folder; `remove` it afterwards. */
export function createTestAuthority(): TestAuthority {
  const folder = mkdtempSync(join(tmpdir(), "amoskys-certificates-"));
  mkdirSync(join(folder, "issued"));
  writeFileSync(join(folder, "ca.cnf"), configuration);
  writeFileSync(join(folder, "index"), "");
  openssl(folder, "req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=ca");
  let issued = 0;
  const issue = (options: IssueOptions) => {
    issued += 1;
    return issueIn(folder, issued, options);
  };
  return {
    folder,
    ca: readFileSync(join(folder, "ca.crt"), "utf8"),
    caPath: join(folder, "ca.crt"),
    issue,
    server: () =>
      issue({ subject: "/CN=localhost", use: "server", names: ["DNS:localhost", "IP:127.0.0.1", "IP:::1"] }),
    client: (name) => issue({ subject: `/CN=${name}` }),
    revoke: (certificate) => {
      openssl(folder, "ca", "-config", "ca.cnf", "-revoke", certificate.certPath);
      openssl(folder, "ca", "-config", "ca.cnf", "-gencrl", "-out", "crl.pem");
      return readFileSync(join(folder, "crl.pem"), "utf8");
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
