import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { identifyService } from "../../src/protocols/index.ts";

// The examples of recog for SSH and FTP: what a server said, and which software and version that is.

const corpora = process.env.AMOSKYS_CORPORA;
if (!corpora) process.stderr.write("skipped: banners of services (AMOSKYS_CORPORA is not set)\n");

interface Example {
  readonly banner: string;
  readonly product: string | undefined;
  readonly version: string | undefined;
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function plain(text: string): string {
  return text
    .replace(/^<!\[CDATA\[([\s\S]*)\]\]>$/, "$1")
    .replace(/&#(x?)([0-9a-fA-F]+);/g, (_, hex, digits) => String.fromCodePoint(Number.parseInt(digits, hex ? 16 : 10)))
    .replace(/&(\w+);/g, (whole, name) => entities[name] ?? whole);
}

function examplesOf(path: string): Example[] {
  const xml = readFileSync(path, "utf8").replace(/<!--[\s\S]*?-->/g, "");
  return [...xml.matchAll(/<fingerprint [\s\S]*?<\/fingerprint>/g)].flatMap(([fingerprint]) => {
    const product = /<param pos="0" name="service\.product" value="([^"]*)"/.exec(fingerprint)?.[1];
    const constant = /<param pos="0" name="service\.version" value="([^"]*)"/.exec(fingerprint)?.[1];
    return [...fingerprint.matchAll(/<example([^>]*)>([\s\S]*?)<\/example>/g)].map(([, given = "", body = ""]) => {
      const version = /service\.version="([^"]*)"/.exec(given)?.[1] ?? constant;
      const isEncoded = given.includes('_encoding="base64"');
      const banner = isEncoded ? Buffer.from(body.trim(), "base64").toString("latin1") : plain(body);
      return { banner, product: product && plain(product), version: version && plain(version) };
    });
  });
}

interface Agreement {
  readonly all: number;
  readonly known: number;
  readonly products: readonly [agreed: number, all: number];
  readonly versions: readonly [agreed: number, all: number];
  /** Versions that we say and recog's examples have otherwise. */
  readonly wrongVersions: readonly string[];
}

const spelled = (text: string | undefined) => text?.toLowerCase().replace(/[^a-z0-9]/g, "");

function compare(file: string, service: string, prefix: string): Agreement {
  const examples = examplesOf(join(corpora as string, "service-banners", file));
  const seen = examples.map((example) => {
    // recog has the text behind the number of each line
    const facts = identifyService(Buffer.from(`${prefix}${example.banner}\r\n`, "latin1"));
    return { ...example, facts: facts?.service === service ? facts : undefined };
  });
  const withProduct = seen.filter(({ product }) => product !== undefined);
  const withVersion = seen.filter(({ version }) => version !== undefined);
  const sameVersion = withVersion.filter(({ version, facts }) => version === facts?.version);
  return {
    all: examples.length,
    known: seen.filter(({ facts }) => facts).length,
    products: [
      withProduct.filter(({ product, facts }) => spelled(product) === spelled(facts?.product)).length,
      withProduct.length,
    ],
    versions: [sameVersion.length, withVersion.length],
    wrongVersions: withVersion
      .filter(({ version, facts }) => facts?.version !== undefined && version !== facts.version)
      .map(({ banner, version, facts }) => `${banner}: ${facts?.version}, not ${version}`),
  };
}

describe.skipIf(!corpora)("banners of services", () => {
  test.each([
    ["ssh_banners.xml", "ssh", "SSH-2.0-", { known: 1, products: 0.73, versions: 0.8, wrong: 10 }],
    ["ftp_banners.xml", "ftp", "220 ", { known: 0.81, products: 0.41, versions: 0.6, wrong: 7 }],
  ] as const)("%s: the agreement does not fall", (file, service, prefix, least) => {
    const { all, known, products, versions, wrongVersions } = compare(file, service, prefix);
    const line = `${file}: ${known} of ${all} known, products ${products.join("/")}, versions ${versions.join("/")}`;
    process.stderr.write(`${line}, ${wrongVersions.length} other versions\n`);
    if (process.env.AMOSKYS_LONG) process.stderr.write(`${wrongVersions.join("\n")}\n`);
    expect(all).toBeGreaterThan(200);
    expect(known / all).toBeGreaterThanOrEqual(least.known);
    expect(products[0] / products[1]).toBeGreaterThanOrEqual(least.products);
    expect(versions[0] / versions[1]).toBeGreaterThanOrEqual(least.versions);
    expect(wrongVersions.length).toBeLessThanOrEqual(least.wrong);
  });
});
